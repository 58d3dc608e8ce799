"""Twilio's official Python SDK, unmodified, against the emulator.

Usage: twilio_python.py ADDRESS, with the address of a fresh `offhook carrier --speed 20`.
"""

import http.server
import json
import sys
import threading
import time
import traceback
import urllib.parse
import urllib.request
from datetime import datetime, timedelta, timezone

from twilio.base.exceptions import TwilioException, TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.request_validator import RequestValidator
from twilio.rest import Client
from twilio.rest.api.v2010.account.call import CallInstance
from twilio.twiml.voice_response import Gather, VoiceResponse

EMULATOR = sys.argv[1].rstrip("/")
ACCOUNT = "AC00000000000000000000000000000001"
TOKEN = "emulator"
FROM = "+15550100100"
SILENT = "+15550100009"
BUSY = "+15550100002"
FAILS = "+15550100004"
NOBODY = "CA00000000000000000000000000000000"


class ToEmulator(TwilioHttpClient):
    """The SDK's own hook: its HTTP client, with another host. The path is the SDK's."""

    def request(self, method, url, *args, **kwargs):
        host = "https://api.twilio.com/"
        assert url.startswith(host), f"the SDK asks {url}"
        return super().request(method, f"{EMULATOR}/{url[len(host):]}", *args, **kwargs)


client = Client(ACCOUNT, TOKEN, http_client=ToEmulator(timeout=30))
validator = RequestValidator(TOKEN)


class Hook:
    """A webhook as it came in."""

    def __init__(self, method, url, headers, body):
        self.method, self.url = method, url
        self.path = urllib.parse.urlsplit(url).path
        self.signature = headers.get("X-Twilio-Signature", "")
        self.authorization = headers.get("Authorization")
        self.form = dict(urllib.parse.parse_qsl(body, keep_blank_values=True))
        query = urllib.parse.urlsplit(url).query
        self.query = dict(urllib.parse.parse_qsl(query, keep_blank_values=True))

    def is_valid(self, url=None, form=None):
        return validator.validate(url or self.url, self.form if form is None else form, self.signature)


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
        self.send_response(200 if document else 204)
        if document:
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


def hooks_to(path, sid):
    return [hook for hook in hooks if hook.path == path and sid in hook.form.get("CallSid", hook.query.get("CallSid", ""))]


def hook_to(path, sid):
    return until(f"a webhook to {path}", lambda: hooks_to(path, sid))[0]


def status(sid, wanted):
    def find():
        call = client.calls(sid).fetch()
        return call if call.status == wanted else None

    return until(f"{sid} is {wanted}", find)


def refused(http_status, code, act):
    try:
        given = act()
    except TwilioRestException as error:
        same((error.status, error.code), (http_status, code), f"the refusal ({error.msg})")
        assert error.msg, "the refusal has no text"
        return
    raise AssertionError(f"not refused with {code}: {given!r}")


def refused_list(http_status, code, act):
    """The SDK wraps the refusal of a list in an exception of its own."""
    try:
        given = act()
    except TwilioException as error:
        response = error.args[1]
        same((response.status_code, json.loads(response.text)["code"]), (http_status, code), "the refusal")
        return
    raise AssertionError(f"not refused with {code}: {given!r}")


def control(path, body):
    request = urllib.request.Request(
        f"{EMULATOR}/emulator/{path}", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request) as answer:
        return json.loads(answer.read())


def long_pause():
    document = VoiceResponse()
    document.pause(length=600)
    return document


tests = []


def test(function):
    tests.append(function)
    return function


@test
def a_call_is_placed_redirected_and_ended():
    greeting = VoiceResponse()
    greeting.say("Hello & welcome")
    greeting.append(long_pause().verbs[0])
    documents["/voice"] = str(greeting)
    documents["/redirected"] = str(long_pause())

    placed = client.calls.create(
        to=SILENT,
        from_=FROM,
        url=f"{HERE}/voice?tenant=7&name=J%C3%BCrgen",
        status_callback=f"{HERE}/status#rc=2",
        status_callback_event=["initiated", "ringing", "answered", "completed"],
        timeout=30,
        time_limit=3600,
    )
    sid = placed.sid
    same(placed.status, "queued", "status of a new call")
    same(placed.direction, "outbound-api", "direction")
    same((placed.to, placed._from), (SILENT, FROM), "parties")
    same(placed.account_sid, ACCOUNT, "account")
    same(placed.start_time, None, "start of a queued call")
    same(placed.uri, f"/2010-04-01/Accounts/{ACCOUNT}/Calls/{sid}.json", "uri")
    assert "recordings" in placed.subresource_uris, placed.subresource_uris

    refused(400, 21220, lambda: client.calls(sid).update(twiml=str(long_pause())))

    voice = hook_to("/voice", sid)
    assert voice.is_valid(), f"the SDK does not take the signature of {voice.url}"
    same(voice.form["CallStatus"], "in-progress", "CallStatus of an answered call")
    call = status(sid, "in-progress")
    assert abs(datetime.now(timezone.utc) - call.start_time) < timedelta(minutes=1), call.start_time
    refused(400, 21220, lambda: client.calls(sid).update(status="canceled"))

    document = VoiceResponse()
    gather = Gather(input="speech", action=f"{HERE}/gathered?turn=1", timeout=600, speech_timeout="auto")
    gather.say("Wie groß?")
    document.append(gather)
    same(client.calls(sid).update(twiml=str(document)).status, "in-progress", "a redirected call")
    documents["/gathered"] = str(long_pause())
    words = "größe 5 + 1 & mehr = 100%"
    until("somebody listens", lambda: control(f"calls/{sid}/say", {"text": words})["noticed"])
    gathered = hook_to("/gathered", sid)
    assert gathered.is_valid(), f"the SDK does not take the signature of {gathered.form}"
    same(gathered.form["SpeechResult"], words, "SpeechResult")

    client.calls(sid).update(url=f"{HERE}/redirected?a=b", method="GET")
    got = hook_to("/redirected", sid)
    same(got.method, "GET", "method of the redirect")
    same(got.query["a"], "b", "query of the redirect")
    assert got.is_valid(), f"the SDK does not take the signature of {got.url}"

    same(client.calls(sid).update(status="completed").status, "completed", "status after hanging up")
    ended = status(sid, "completed")
    assert int(ended.duration) >= 1 and ended.end_time >= ended.start_time, vars(ended)
    refused(400, 21220, lambda: client.calls(sid).update(status="completed"))

    until("four status callbacks", lambda: len(hooks_to("/status", sid)) == 4)
    callbacks = sorted(hooks_to("/status", sid), key=lambda hook: int(hook.form["SequenceNumber"]))
    same(
        [hook.form["CallStatus"] for hook in callbacks],
        ["initiated", "ringing", "in-progress", "completed"],
        "statuses told",
    )
    for hook in callbacks:
        assert hook.is_valid(), f"the SDK does not take the signature of {hook.form}"
    same(callbacks[3].form["CallDuration"], ended.duration, "CallDuration")

    assert client.calls(sid).delete() is True
    refused(404, 20404, lambda: client.calls(sid).fetch())
    assert sid not in [call.sid for call in client.calls.list()], "a deleted call is listed"


@test
def a_queued_call_is_cancelled_and_nobody_is_told():
    calls = [
        client.calls.create(
            to=SILENT, from_=FROM, twiml=str(long_pause()), status_callback=f"{HERE}/cancelled"
        )
        for _ in range(3)
    ]
    last = calls[-1]
    assert int(last.queue_time) > 0, f"queue_time {last.queue_time}"
    refused(400, 20409, lambda: client.calls(last.sid).delete())
    same(client.calls(last.sid).update(status="canceled").status, "canceled", "a cancelled call")
    for call in calls[:-1]:
        status(call.sid, "in-progress")
        client.calls(call.sid).update(status=CallInstance.UpdateStatus.COMPLETED)
        hook_to("/cancelled", call.sid)
    same(hooks_to("/cancelled", last.sid), [], "callbacks of a call cancelled in the queue")


@test
def calls_are_listed_by_filter_and_over_pages():
    to, from_ = "+15550100077", "+15550100101"
    placed = [client.calls.create(to=to, from_=from_, twiml=str(long_pause())).sid for _ in range(7)]
    newest = placed[::-1]

    def sids(**filters):
        return [call.sid for call in client.calls.list(**filters)]

    same(sids(to=to), newest, "list by `to`")
    same(sids(from_=from_), newest, "list by `from_`")
    same(sids(to=to, page_size=3), newest, "list over pages of three")
    same(sids(to=to, page_size=1000), newest, "list in one page")
    same(sids(to=to, limit=4), newest[:4], "list of four")
    same([call.sid for call in client.calls.stream(to=to, page_size=2, limit=5)], newest[:5], "stream of five")
    same(sids(to="+15550100078"), [], "list of a number that was not called")
    same(sids(to=to, status="completed"), [], "list by a status that none has")
    same(set(sids(to=to, status="queued")) - set(newest), set(), "list by status")

    first = client.calls.page(to=to, page_size=3)
    same([call.sid for call in first], newest[:3], "first page")
    # A call that begins meanwhile does not shift what follows.
    later = client.calls.create(to=to, from_=from_, twiml=str(long_pause())).sid
    second = first.next_page()
    same([call.sid for call in second], newest[3:6], "second page")
    third = client.calls.get_page(second.next_page_url)
    same([call.sid for call in third], newest[6:], "third page")
    same(third.next_page(), None, "page after the last")
    assert [call.sid for call in second.previous_page()], "the page before the second is empty"

    for sid in [later, *newest]:
        client.calls(sid).update(status="canceled" if sid != placed[0] else "completed")
    until("all are over", lambda: not sids(to=to, status="queued"))
    same(set(sids(to=to, status="canceled")) >= set(newest[:5]), True, "list of the cancelled")

    client.calls.create(to=BUSY, from_=from_, twiml=str(long_pause()))
    until("a busy call is listed", lambda: sids(from_=from_, status="busy"))
    now, day = datetime.now(timezone.utc), timedelta(days=1)
    busy = {"from_": from_, "status": "busy"}
    same(len(sids(**busy, start_time_after=now - day, start_time_before=now + day)), 1, "begun about now")
    same(len(sids(**busy, start_time_after=now + day)), 0, "begun tomorrow")
    same(len(sids(**busy, end_time_before=now - day)), 0, "ended yesterday")
    call = client.calls.list(**busy)[0]
    same(len(sids(**busy, start_time=call.start_time)), 1, "begun on the day it began")
    same(len(sids(**busy, end_time=call.end_time.date())), 1, "ended on the day it ended")


@test
def endings_are_told_apart():
    for to, wanted, sip in [(BUSY, "busy", "486"), (FAILS, "failed", "404")]:
        sid = client.calls.create(to=to, from_=FROM, url=f"{HERE}/voice", status_callback=f"{HERE}/ended").sid
        call = status(sid, wanted)
        same(call.duration, "0", f"duration of a {wanted} call")
        hook = hook_to("/ended", sid)
        same((hook.form["CallStatus"], hook.form["SipResponseCode"]), (wanted, sip), "what was told")
        assert hook.is_valid(), f"the SDK does not take the signature of {hook.form}"


@test
def refusals_have_twilios_shape():
    wrong = Client(ACCOUNT, "wrong", http_client=ToEmulator(timeout=30))
    refused_list(401, 20003, lambda: wrong.calls.list())
    refused(401, 20003, lambda: wrong.calls.create(to=SILENT, from_=FROM, twiml="<Response/>"))
    refused(404, 20404, lambda: client.calls(NOBODY).fetch())
    refused(404, 20404, lambda: client.calls(NOBODY).update(status="completed"))
    refused(404, 20404, lambda: client.calls(NOBODY).delete())
    create = client.calls.create
    refused(400, 21211, lambda: create(to="12", from_=FROM, twiml="<Response/>"))
    refused(400, 21212, lambda: create(to=SILENT, from_="12", twiml="<Response/>"))
    refused(400, 21205, lambda: create(to=SILENT, from_=FROM))
    refused(400, 32018, lambda: create(to=SILENT, from_=FROM, twiml="x" * 4001))
    recordings = client.calls(NOBODY).recordings
    refused(404, 20404, lambda: recordings("RE" + "0" * 32).fetch())
    refused_list(404, 20404, lambda: recordings.list())
    refused(404, 20404, lambda: recordings.create())
    refused(404, 20404, lambda: client.recordings("RE" + "0" * 32).fetch())


@test
def the_account_is_shown():
    account = client.api.accounts(ACCOUNT).fetch()
    same((account.sid, account.status), (ACCOUNT, "active"), "account")


@test
def webhooks_of_odd_urls_are_signed_as_the_sdk_expects():
    hang_up = VoiceResponse()
    hang_up.hangup()
    for path in [
        "/odd",
        "/odd?a=1&a=2&b=&c",
        "/odd?who=it%27s%20me&plus=a+b&enc=%2B%26%3D",
        "/odd/%C3%BC/a%2Fb;c=d/~x?q=(1)*!,$",
        "/odd//double/?x=/y/../z",
    ]:
        documents[urllib.parse.urlsplit(HERE + path).path] = str(hang_up)
        body = {"from": "+15550100005", "to": FROM, "webhook_url": HERE + path}
        sid = control("calls", body)["id"]
        came = until(f"a webhook to {path}", lambda: [hook for hook in hooks if hook.form.get("CallSid") == sid])
        hook = came[0]
        same(hook.url, HERE + path, "the URL asked for")
        assert hook.is_valid(), f"the SDK does not take the signature of {hook.url}"
        same(hook.form["Direction"], "inbound", "direction")
        status(sid, "completed")

    assert not hook.is_valid(form={**hook.form, "From": "+15550100006"}), "a changed parameter passes"
    assert not hook.is_valid(form={**hook.form, "New": ""}), "an added parameter passes"
    assert not hook.is_valid(url=hook.url + "&more=1"), "another URL passes"
    assert not RequestValidator("other").validate(hook.url, hook.form, hook.signature), "another token passes"


@test
def credentials_in_a_url_are_sent_and_signed():
    url = HERE.replace("://", "://user:secret@") + "/with-credentials"
    body = {"from": "+15550100005", "to": FROM, "webhook_url": url}
    hook = hook_to("/with-credentials", control("calls", body)["id"])
    same(hook.authorization, "Basic dXNlcjpzZWNyZXQ=", "Authorization")
    assert hook.is_valid(url=url), "the SDK does not take the signature of a URL with credentials"


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
