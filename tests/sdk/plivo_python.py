"""Plivo's official Python SDK, unmodified, against the emulator.

Usage: plivo_python.py ADDRESS, with the address of a fresh `offhook carrier --speed 20`.
"""

import http.server
import json
import sys
import threading
import time
import traceback
import urllib.error
import urllib.parse
import urllib.request

import plivo
from plivo import plivoxml
from plivo.exceptions import AuthenticationError, ResourceNotFoundError, ValidationError
from plivo.utils import validate_signature, validate_v3_signature
from requests.adapters import HTTPAdapter

EMULATOR = sys.argv[1].rstrip("/")
ACCOUNT = "MAEMULATOR0000000001"
TOKEN = "emulator"
FROM = "15550100100"
SILENT = "15550100009"
BUSY = "15550100002"
NEVER_ANSWERS = "15550100003"
FAILS = "15550100004"
NOBODY = "00000000-0000-4000-a000-000000000000"
API = "https://api.plivo.com/"


class ToEmulator(HTTPAdapter):
    """The SDK has no setting for its host. Its session is public, and requests' own way to send what
    is meant for a host elsewhere is an adapter. The path is the SDK's."""

    def send(self, request, *args, **kwargs):
        assert request.url.startswith(API), f"the SDK asks {request.url}"
        request.url = f"{EMULATOR}/{request.url[len(API):]}"
        return super().send(request, *args, **kwargs)


def connected(token):
    client = plivo.RestClient(ACCOUNT, token, timeout=30)
    client.session.mount(API, ToEmulator())
    return client


client = connected(TOKEN)


class Hook:
    """A webhook as it came in."""

    def __init__(self, method, url, headers, body):
        self.method, self.url, self.headers = method, url, headers
        self.path = urllib.parse.urlsplit(url).path
        self.form = dict(urllib.parse.parse_qsl(body, keep_blank_values=True))
        query = urllib.parse.urlsplit(url).query
        self.query = dict(urllib.parse.parse_qsl(query, keep_blank_values=True))

    def param(self, name):
        return self.form.get(name, self.query.get(name, ""))

    def is_valid(self, url=None, form=None, token=TOKEN, header="X-Plivo-Signature-V3"):
        # It changes the parameters that it is given.
        form = dict(self.form if form is None else form)
        nonce = self.headers["X-Plivo-Signature-V3-Nonce"]
        return validate_v3_signature(self.method, url or self.url, nonce, token, self.headers[header], form)

    def assert_signed(self):
        for header in ["X-Plivo-Signature-V3", "X-Plivo-Signature-Ma-V3"]:
            assert self.is_valid(header=header), f"the SDK does not take {header} of {self.url} {self.form}"
        nonce, signature = self.headers["X-Plivo-Signature-V2-Nonce"], self.headers["X-Plivo-Signature-V2"]
        assert validate_signature(self.url, nonce, signature, TOKEN), f"the SDK does not take V2 of {self.url}"


hooks = []
documents = {}


class Receiver(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length).decode()
        hook = Hook(self.command, f"http://{self.headers['Host']}{self.path}", self.headers, body)
        hooks.append(hook)
        document = documents.get(hook.path, "").encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/xml")
        self.send_header("Content-Length", str(len(document)))
        self.end_headers()
        self.wfile.write(document)

    do_GET = do_POST = answer

    def log_message(self, *_):
        pass


receiver = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
threading.Thread(target=receiver.serve_forever, daemon=True).start()
HERE = f"http://127.0.0.1:{receiver.server_port}"


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


def hooks_to(path, uuid):
    """The webhooks about a call, or about a request."""
    return [hook for hook in hooks if hook.path == path and uuid in (hook.param("CallUUID"), hook.param("RequestUUID"))]


def hook_to(path, uuid):
    return until(f"a webhook to {path}", lambda: hooks_to(path, uuid))[0]


def refused(error, act):
    try:
        given = act()
    except error as refusal:
        assert str(refusal), "the refusal has no text"
        return
    raise AssertionError(f"not refused with {error.__name__}: {given!r}")


def found(act):
    """What is there, or nothing."""
    try:
        return act()
    except ResourceNotFoundError:
        return None


def record(uuid):
    """The record of a call, which comes late."""
    return until(f"a record of {uuid}", lambda: found(lambda: client.calls.get(uuid)))


def control(path, body):
    request = urllib.request.Request(
        f"{EMULATOR}/emulator/{path}", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request) as answer:
        return json.loads(answer.read())


def truth(uuid):
    with urllib.request.urlopen(f"{EMULATOR}/emulator/calls/{uuid}") as answer:
        return json.loads(answer.read())


def hold():
    document = plivoxml.ResponseElement()
    document.add(plivoxml.WaitElement(length=600))
    return document.to_string()


def placed(to=SILENT, path="/held", **more):
    documents.setdefault(path, hold())
    return client.calls.create(from_=FROM, to_=to, answer_url=HERE + path, **more).request_uuid


tests = []


def test(function):
    tests.append(function)
    return function


@test
def a_call_is_placed_steered_and_ended():
    documents["/voice"] = hold()
    question = plivoxml.ResponseElement()
    listening = plivoxml.GetInputElement(
        action=f"{HERE}/got?turn=1", method="POST", input_type="speech", execution_timeout=60, speech_end_timeout=2
    )
    listening.add(plivoxml.SpeakElement("Wie groß?", voice="WOMAN", language="de-DE"))
    question.add(listening)
    documents["/question"] = question.to_string()
    documents["/got"] = hold()

    answer = client.calls.create(
        from_=FROM,
        to_=SILENT,
        answer_url=f"{HERE}/voice?tenant=7&name=J%20R#rc=2&rp=ct,rt,5xx",
        ring_url=f"{HERE}/ring",
        ring_method="GET",
        hangup_url=f"{HERE}/hangup",
        caller_name="Offhook",
        ring_timeout=30,
        time_limit=3600,
    )
    request = answer.request_uuid
    same(answer.message, "call fired", "message")
    assert answer.api_id, vars(answer)

    ring = hook_to("/ring", request)
    uuid = ring.param("CallUUID")
    assert uuid != request, "the request's id is the call's"
    voice = hook_to("/voice", uuid)
    same((ring.method, ring.param("CallStatus")), ("GET", "ringing"), "the ring callback")
    same((voice.param("Event"), voice.param("CallStatus")), ("StartApp", "in-progress"), "the answer request")
    same((voice.param("From"), voice.param("To")), (FROM, SILENT), "parties")
    same((voice.param("tenant"), voice.param("name")), ("7", "J R"), "the query")
    for hook in [ring, voice]:
        hook.assert_signed()

    assert uuid in client.live_calls.list_ids().calls, "a live call is not listed"
    live = client.live_calls.get(uuid)
    same((live.call_status, live.call_uuid, live.request_uuid), ("in-progress", uuid, request), "the live call")
    same((live["from"], live.to, live.direction), (FROM, SILENT, "outbound"), "its parties")
    refused(ResourceNotFoundError, lambda: client.live_calls.get(request))
    refused(ResourceNotFoundError, lambda: client.calls.get(uuid))

    same(client.calls.speak(uuid, "You have mail", voice="MAN", language="en-GB").message, "speak started", "Speak/")
    same(client.calls.send_digits(uuid, "12#").message, "digits sent", "DTMF/")
    until("it was heard", lambda: [heard for heard in truth(uuid)["heard"] if heard["complete"]])
    client.calls.speak(uuid, "A long story of old times" * 20)
    client.calls.speak_stop(uuid)
    same([heard["complete"] for heard in truth(uuid)["heard"]], [True, False], "what was heard")
    same(truth(uuid)["digits"], "12#", "digits")

    transferred = client.calls.transfer(uuid, legs="aleg", aleg_url=f"{HERE}/question", aleg_method="GET")
    same(transferred.message, "call transferred", "a transfer")
    same(hook_to("/question", uuid).method, "GET", "method of the transfer")
    words = "groesse 5 + 1 & mehr = 100%"
    until("somebody listens", lambda: control(f"calls/{uuid}/say", {"text": words})["noticed"])
    got = hook_to("/got", uuid)
    same((got.param("InputType"), got.param("Speech")), ("speech", words), "what was said")
    got.assert_signed()

    client.calls.hangup(uuid)
    refused(ResourceNotFoundError, lambda: client.calls.hangup(uuid))
    hangup = hook_to("/hangup", uuid)
    hangup.assert_signed()
    same(
        [hangup.param(name) for name in ["Event", "CallStatus", "HangupCauseCode", "HangupSource"]],
        ["Hangup", "completed", "4000", "API Request"],
        "the end",
    )
    ended = record(uuid)
    assert "call_status" not in vars(ended), vars(ended)
    same((ended.hangup_cause_code, ended.call_state), (4000, "ANSWER"), "the record")
    same((ended.from_number, ended.to_number), (FROM, SILENT), "its parties")
    same(str(ended.call_duration), hangup.param("Duration"), "its duration")
    assert uuid not in client.live_calls.list_ids().calls, "an ended call is live"


@test
def a_queued_call_is_shown_and_cancelled():
    requests = [placed(path="/queued", hangup_url=f"{HERE}/cancelled") for _ in range(3)]
    last = requests[-1]
    queued = client.queued_calls.get(last)
    same((queued.call_status, queued.request_uuid), ("queued", last), "a queued call")
    assert last in client.queued_calls.list_ids().calls, "a queued call is not listed"
    client.calls.cancel(last)
    refused(ResourceNotFoundError, lambda: client.queued_calls.get(last))
    refused(ResourceNotFoundError, lambda: client.calls.cancel(last))
    for request in requests[:-1]:
        client.calls.hangup(hook_to("/queued", request).param("CallUUID"))
        hook_to("/cancelled", request)
    same(hooks_to("/cancelled", last), [], "callbacks of a call cancelled in the queue")


@test
def several_numbers_are_called_by_one_request():
    requests = placed(to=f"{BUSY}<{FAILS}", hangup_url=f"{HERE}/several")
    same(len(requests), 2, "requests")
    statuses = [hook_to("/several", request).param("CallStatus") for request in requests]
    same(statuses, ["busy", "failed"], "endings")


@test
def endings_are_told_apart_and_listed():
    for to, more, status, code in [
        (BUSY, {}, "busy", 3010),
        (FAILS, {}, "failed", 3050),
        (NEVER_ANSWERS, {"ring_timeout": 20}, "timeout", 6010),
    ]:
        request = placed(to=to, hangup_url=f"{HERE}/ended", **more)
        hook = hook_to("/ended", request)
        same((hook.param("CallStatus"), hook.param("HangupCauseCode")), (status, str(code)), "what was told")
        same(hook.param("Duration"), "0", "duration")
        hook.assert_signed()
        uuid = hook.param("CallUUID")
        same(record(uuid).hangup_cause_code, code, "the record")
        listed = [call.call_uuid for call in client.calls.list(to_number=to, hangup_cause_code=code)]
        same(listed[0], uuid, "the newest of the list")
    page = client.calls.list(limit=2)
    same((len(page), page.meta.limit), (2, 2), "a page")
    rest = client.calls.list(limit=20, offset=2)
    same(len(rest), page.meta.total_count - 2, "the rest")
    assert {call.call_uuid for call in page}.isdisjoint(call.call_uuid for call in rest), "pages overlap"
    same(list(client.calls.list(end_time__gt="2100-01-01 00:00")), [], "calls of the future")


@test
def refusals_have_plivos_shape():
    wrong = connected("wrong")
    # Not the list of records: the SDK breaks over any refusal of that, before it raises anything.
    refused(AuthenticationError, lambda: wrong.live_calls.list_ids())
    refused(AuthenticationError, lambda: wrong.calls.get(NOBODY))
    create = client.calls.create
    refused(AuthenticationError, lambda: wrong.calls.create(from_=FROM, to_=SILENT, answer_url=HERE))
    refused(ValidationError, lambda: create(from_="12", to_=SILENT, answer_url=HERE))
    refused(ValidationError, lambda: create(from_=FROM, to_="12", answer_url=HERE))
    refused(ValidationError, lambda: create(from_=FROM, to_=SILENT, answer_url=HERE, time_limit=0))
    for act in [
        client.calls.get,
        client.live_calls.get,
        client.queued_calls.get,
        client.calls.hangup,
        client.calls.cancel,
        lambda uuid: client.calls.speak(uuid, "Hello"),
        lambda uuid: client.calls.send_digits(uuid, "1"),
        lambda uuid: client.calls.transfer(uuid, legs="aleg", aleg_url=HERE),
    ]:
        refused(ResourceNotFoundError, lambda: act(NOBODY))
    request = urllib.request.Request(f"{EMULATOR}/v1/Account/{ACCOUNT}/Call/", method="PUT")
    try:
        urllib.request.urlopen(request)
    except urllib.error.HTTPError as error:
        body = json.loads(error.read())
        assert body["api_id"] and body["error"], body


@test
def webhooks_of_odd_urls_are_signed_as_the_sdk_expects():
    hang_up = plivoxml.ResponseElement()
    hang_up.add(plivoxml.HangupElement())
    for path in [
        "/odd",
        "/odd?a=1&a=2&b=&c=3",
        "/odd?who=it%27s%20me&plus=a+b&enc=%2B%26%3D",
        "/odd//double/?x=/y/../z",
    ]:
        documents[urllib.parse.urlsplit(HERE + path).path] = hang_up.to_string()
        body = {"provider": "plivo", "from": "+15550100005", "to": f"+{FROM}", "webhook_url": HERE + path}
        uuid = control("calls", body)["id"]
        came = until(f"webhooks to {path}", lambda: len(found := hooks_to(urllib.parse.urlsplit(HERE + path).path, uuid)) == 2 and found)
        for hook, event in zip(came, ["StartApp", "Hangup"]):
            same((hook.url, hook.param("Event")), (HERE + path, event), "the URL asked for")
            hook.assert_signed()
            same(hook.param("Direction"), "inbound", "direction")

    assert not hook.is_valid(form={**hook.form, "From": "15550100006"}), "a changed parameter passes"
    assert not hook.is_valid(form={**hook.form, "New": "1"}), "an added parameter passes"
    assert not hook.is_valid(url=hook.url + "&more=1"), "another URL passes"
    assert not hook.is_valid(token="other"), "another token passes"


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
