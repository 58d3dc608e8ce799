"""Telnyx' official Python SDK, unmodified, against the emulator.

Usage: telnyx_python.py ADDRESS, with the address of a fresh `offhook carrier --speed 20`.
"""

import base64
import http.server
import json
import sys
import threading
import time
import traceback
import urllib.request
from datetime import datetime, timedelta, timezone

import telnyx
from telnyx import Telnyx

EMULATOR = sys.argv[1].rstrip("/")
KEY = "KEYemulator"
CONNECTION = "1"
FROM = "+15550100100"
SILENT = "+15550100009"
SAYS_YES = "+15550100001"
BUSY = "+15550100002"
FAILS = "+15550100004"
MACHINE = "+15550100005"
NOBODY = "v3:nobody"
VOICE = "AWS.Polly.Joanna-Neural"

with urllib.request.urlopen(f"{EMULATOR}/emulator/telnyx-public-key") as answer:
    PUBLIC_KEY = answer.read().decode()

# The SDK's own hook: its base URL. The paths below it are the SDK's.
client = Telnyx(api_key=KEY, base_url=f"{EMULATOR}/v2", public_key=PUBLIC_KEY, max_retries=0)
actions = client.calls.actions


class Hook:
    """A webhook as it came in, and as the SDK understands it."""

    def __init__(self, path, headers, body):
        self.path, self.headers, self.body = path, headers, body
        # Raises unless the signature is the carrier's.
        event = client.webhooks.unwrap(body, headers=headers)
        self.data, self.type, self.payload = event.data, event.data.event_type, event.data.payload
        told = json.loads(body)
        self.meta, self.fields = told["meta"], told["data"]["payload"]
        self.call = self.fields["call_control_id"]


hooks = []
faulty = []


class Receiver(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length).decode()
        try:
            hooks.append(Hook(self.path, dict(self.headers), body))
        except Exception as error:  # told at the end, in the main thread
            faulty.append(f"{error}: {body}")
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


receiver = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
threading.Thread(target=receiver.serve_forever, daemon=True).start()
HERE = f"http://127.0.0.1:{receiver.server_port}"
EVENTS = f"{HERE}/events"


def until(what, find, seconds=20):
    """Waits for the fact itself."""
    deadline = time.monotonic() + seconds
    while True:
        found = find()
        if found:
            return found
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.05)


def same(given, wanted, what):
    assert given == wanted, f"{what}: {given!r}, not {wanted!r}"


def events(call, type):
    return [hook for hook in hooks if hook.type == type and hook.call == call]


def event(call, type, count=1):
    return until(f"{count} of {type}", lambda: events(call, type)[count - 1 : count])[0]


def refused(http_status, code, act):
    try:
        given = act()
    except telnyx.APIStatusError as error:
        told = error.body["errors"][0]
        same((error.status_code, told["code"]), (http_status, code), f"the refusal ({told})")
        assert told["title"] and told["detail"], f"the refusal has no text: {told}"
        return error
    raise AssertionError(f"not refused with {code}: {given!r}")


def control(path, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(
        f"{EMULATOR}/emulator/{path}", data, {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request) as answer:
        return json.loads(answer.read())


def state(text):
    return base64.b64encode(text.encode()).decode()


def dial(to=SILENT, **more):
    more = {"connection_id": CONNECTION, "from_": FROM, "to": to, "webhook_url": EVENTS, **more}
    return client.calls.dial(**more).data


def connected(to=SILENT, **more):
    call = dial(to, **more).call_control_id
    event(call, "call.answered")
    return call


def called(party="silent"):
    body = {"provider": "telnyx", "from": SILENT, "to": FROM, "party": party, "webhook_url": EVENTS}
    call = control("calls", body)["id"]
    event(call, "call.initiated")
    return call


def active():
    return [call.call_control_id for call in client.connections.list_active_calls(CONNECTION)]


tests = []


def test(function):
    tests.append(function)
    return function


@test
def a_call_is_dialled_spoken_to_heard_and_hung_up():
    dialled = dial(
        client_state=state("our call"),
        command_id="dial-1",
        timeout_secs=30,
        time_limit_secs=3600,
        webhook_retries_policies={"call.hangup": {"retries_ms": [100, 200]}},
    )
    same((dialled.is_alive, dialled.record_type), (False, "call"), "a new call")
    call = dialled.call_control_id
    same(dial(command_id="dial-1").call_control_id, call, "the same command again")

    initiated = event(call, "call.initiated")
    same((initiated.payload.direction, initiated.payload.state), ("outgoing", "bridging"), "how it began")
    same((initiated.payload.from_, initiated.payload.to), (FROM, SILENT), "parties")
    same(initiated.payload.client_state, state("our call"), "client_state")
    same(initiated.payload.connection_id, CONNECTION, "connection")
    answered = event(call, "call.answered")
    same(answered.payload.state, "answered", "state")
    assert abs(datetime.now(timezone.utc) - answered.data.occurred_at) < timedelta(minutes=1)
    alive = client.calls.retrieve_status(call).data
    same((alive.is_alive, alive.end_time), (True, None), "a live call")
    same(alive.call_leg_id, dialled.call_leg_id, "leg")
    assert call in active(), "a live call is not listed"

    words = "größe 5 + 1 & mehr = 100%"
    spoken = actions.speak(call, payload=words, voice=VOICE, language="de-DE", command_id="speak-1")
    same(spoken.data.result, "ok", "result")
    actions.speak(call, payload=words, voice=VOICE, language="de-DE", command_id="speak-1")
    event(call, "call.speak.started")
    same(event(call, "call.speak.ended").payload.status, "completed", "end of the speech")
    heard = [(heard["text"], heard["complete"]) for heard in control(f"calls/{call}")["heard"]]
    same(heard, [(words, True)], "what was heard")

    config = {"transcription_engine": "Google", "language": "de", "interim_results": True}
    actions.start_transcription(call, transcription_engine="Google", transcription_engine_config=config)
    refused(422, "90054", lambda: actions.start_transcription(call))
    assert control(f"calls/{call}/say", {"text": words})["noticed"], "nobody listens"
    interim = event(call, "call.transcription").payload.transcription_data
    final = event(call, "call.transcription", 2).payload.transcription_data
    same((interim.is_final, final.is_final, final.transcript), (False, True, words), "transcripts")
    actions.stop_transcription(call)
    assert not control(f"calls/{call}/say", {"text": words})["noticed"], "somebody still listens"

    actions.send_dtmf(call, digits="1w2#", duration_millis=250)
    same(control(f"calls/{call}")["digits"], "1w2#", "tones sent")

    actions.hangup(call, command_id="hangup-1", client_state=state("over"))
    actions.hangup(call, command_id="hangup-1")
    hangup = event(call, "call.hangup").payload
    same((hangup.hangup_cause, hangup.hangup_source), ("normal_clearing", "caller"), "the end")
    same((hangup.client_state, hangup.sip_hangup_cause), (state("over"), "200"), "the end")
    error = refused(422, "90018", lambda: actions.hangup(call))
    assert isinstance(error, telnyx.UnprocessableEntityError), error
    over = client.calls.retrieve_status(call).data
    assert not over.is_alive and over.end_time, over
    assert call not in active(), "an ended call is listed"


@test
def an_inbound_call_is_answered_or_rejected():
    call = called()
    initiated = event(call, "call.initiated").payload
    same((initiated.direction, initiated.state), ("incoming", "parked"), "how it began")
    refused(422, "90034", lambda: actions.speak(call, payload="Hello", voice=VOICE))
    actions.answer(call, client_state=state("answered"))
    same(event(call, "call.answered").payload.client_state, state("answered"), "client_state")
    control(f"calls/{call}/hangup", {})
    same(event(call, "call.hangup").payload.hangup_source, "caller", "who hung up")

    for cause, wanted in [("USER_BUSY", "user_busy"), ("CALL_REJECTED", "call_rejected")]:
        call = called()
        actions.reject(call, cause=cause)
        same(event(call, "call.hangup").payload.hangup_cause, wanted, f"rejected as {cause}")


@test
def speech_is_queued_and_stopped():
    call = connected()
    long = "This sentence is so long that nobody will ever hear it to its end. " * 20
    actions.speak(call, payload=long, voice="Telnyx.KokoroTTS.af")
    actions.speak(call, payload="Never", voice=VOICE)
    event(call, "call.speak.started")
    actions.stop_playback(call, stop="all")
    # The SDK's type has no word for speech that was stopped, and leaves the payload as it came.
    same(event(call, "call.speak.ended").fields["status"], "cancelled", "status of stopped speech")
    heard = [heard["complete"] for heard in control(f"calls/{call}")["heard"]]
    same(heard, [False], "what was heard")
    actions.hangup(call)


@test
def keys_are_gathered():
    call = connected()
    actions.gather(call, minimum_digits=1, maximum_digits=4, terminating_digit="#", gather_id="pin")
    control(f"calls/{call}/dtmf", {"digits": "12#"})
    gathered = event(call, "call.gather.ended").payload
    same((gathered.digits, gathered.status), ("12", "valid"), "gathered")
    keys = sorted(events(call, "call.dtmf.received"), key=lambda hook: hook.data.occurred_at)
    same([hook.payload.digit for hook in keys], ["1", "2", "#"], "keys")
    actions.gather_using_speak(call, payload="Press one", voice=VOICE, valid_digits="1", maximum_digits=1)
    until("the prompt is heard", lambda: control(f"calls/{call}")["heard"])
    actions.stop_gather(call)
    same(event(call, "call.gather.ended", 2).payload.status, "cancelled", "a stopped gather")
    actions.hangup(call)


@test
def a_person_answers_and_a_machine_is_found_out():
    call = connected(SAYS_YES, transcription=True)
    actions.speak(call, payload="Is this a good time?", voice=VOICE)
    final = event(call, "call.transcription").payload.transcription_data
    same((final.transcript, final.is_final), ("yes", True), "the answer")
    actions.hangup(call)
    call = connected(MACHINE, answering_machine_detection="greeting_end")
    same(event(call, "call.machine.detection.ended").payload.result, "machine", "who answered")
    event(call, "call.machine.greeting.ended")
    actions.hangup(call)


@test
def a_call_is_transferred():
    call = connected()
    actions.transfer(call, to="+15550100077", from_=FROM, target_leg_client_state=state("second"))
    event(call, "call.bridged")
    others = lambda: [hook for hook in hooks if hook.type == "call.bridged" and hook.call != call]
    second = until("the other leg is bridged", others)[0].payload
    same(second.client_state, state("second"), "client_state of the second leg")
    same(second.call_session_id, event(call, "call.bridged").payload.call_session_id, "session")
    actions.hangup(call)
    event(second.call_control_id, "call.hangup")


@test
def active_calls_are_listed_over_pages():
    calls = [connected() for _ in range(5)]
    listed = [call.call_control_id for call in client.connections.list_active_calls(CONNECTION, page_size=2)]
    same(set(calls) - set(listed), set(), "calls that the pages left out")
    same(len(listed), len(set(listed)), "calls listed once")
    first = client.connections.list_active_calls(CONNECTION, page_size=2)
    same(len(first.data), 2, "size of a page")
    assert first.has_next_page(), "there is no second page"
    assert first.data[0].call_duration >= 0
    for call in calls:
        actions.hangup(call)
    until("all are over", lambda: not set(calls) & set(active()))


@test
def endings_are_told_apart():
    for to, cause, sip in [(BUSY, "user_busy", "486"), (FAILS, "not_found", "404")]:
        call = dial(to).call_control_id
        ended = event(call, "call.hangup").payload
        same((ended.hangup_cause, ended.sip_hangup_cause), (cause, sip), "what was told")
        same(events(call, "call.answered"), [], "answers of a call that nobody answered")


@test
def refusals_have_telnyx_shape():
    wrong = Telnyx(api_key="KEYwrong", base_url=f"{EMULATOR}/v2", max_retries=0)
    error = refused(401, "10009", lambda: wrong.calls.retrieve_status(NOBODY))
    assert isinstance(error, telnyx.AuthenticationError), error
    refused(401, "10009", lambda: wrong.calls.dial(connection_id="1", from_=FROM, to=SILENT))
    error = refused(404, "10005", lambda: client.calls.retrieve_status(NOBODY))
    assert isinstance(error, telnyx.NotFoundError), error
    refused(404, "10005", lambda: actions.hangup(NOBODY))
    refused(422, "90015", lambda: actions.hangup("nonsense"))
    refused(422, "10015", lambda: dial(connection_id="2"))
    refused(422, "10016", lambda: dial("5550100009"))
    refused(422, "90017", lambda: dial(client_state="not base64!"))
    refused(422, "10033", lambda: dial(timeout_secs=4))
    refused(404, "10005", lambda: client.connections.list_active_calls("2"))
    call = connected()
    refused(422, "90013", lambda: actions.speak(call, payload="Hello", voice=VOICE, language="en"))
    refused(422, "10032", lambda: actions.speak(call, payload="Hello", voice="alice"))
    refused(422, "90014", lambda: actions.send_dtmf(call, digits="12x"))
    refused(422, "90102", lambda: actions.answer(call))
    actions.hangup(call)


@test
def a_refusal_for_the_rate_is_retried_by_the_sdk():
    control("faults", {"provider": "telnyx", "match": "GET /v2/connections", "http_status": 429, "count": 2})
    patient = Telnyx(api_key=KEY, base_url=f"{EMULATOR}/v2")
    list(patient.connections.list_active_calls(CONNECTION))
    same(control("faults")["faults"], [], "faults left")


@test
def what_is_delivered_again_is_signed_anew():
    control("faults", {"provider": "telnyx", "on": "webhook", "match": "/again", "http_status": 503})
    call = dial(webhook_url=f"{HERE}/again").call_control_id
    second = event(call, "call.initiated", 2)
    first = event(call, "call.initiated")
    same(second.data.id, first.data.id, "id")
    same((first.meta["attempt"], second.meta["attempt"]), (1, 2), "attempts")
    same(second.meta["delivered_to"], f"{HERE}/again", "delivered_to")
    assert second.headers["telnyx-signature-ed25519"] != first.headers["telnyx-signature-ed25519"]
    actions.hangup(call)


@test
def webhooks_that_are_not_genuine_do_not_pass():
    call = dial().call_control_id
    hook = event(call, "call.initiated")

    def passes(body=hook.body, headers=hook.headers, key=PUBLIC_KEY):
        try:
            client.webhooks.unwrap(body, headers=headers, key=key)
            return True
        except ValueError:
            return False

    assert passes(), "a genuine webhook does not pass"
    assert not passes(body=hook.body.replace(FROM, SILENT)), "a changed body passes"
    later = {**hook.headers, "telnyx-timestamp": str(int(hook.headers["telnyx-timestamp"]) + 1)}
    assert not passes(headers=later), "another timestamp passes"
    other = base64.b64encode(bytes([3]) + base64.b64decode(PUBLIC_KEY)[1:]).decode()
    assert not passes(key=other), "another key passes"
    actions.hangup(call)


@test
def every_webhook_passed_the_sdks_verification():
    same(faulty, [], "webhooks that the SDK does not take")
    assert len(hooks) > 40, f"only {len(hooks)} webhooks came"


passed = failed = 0
for function in tests:
    began = time.monotonic()
    name = function.__name__.replace("_", " ")
    try:
        function()
        passed += 1
        print(f"ok     {name} ({time.monotonic() - began:.1f} s)", flush=True)
    except Exception as error:  # each test is told, whatever it broke on
        failed += 1
        print(f"FAILED {name}: {error}", flush=True)
        traceback.print_exc()
print(f"{passed} passed, {failed} failed")
sys.exit(1 if failed else 0)
