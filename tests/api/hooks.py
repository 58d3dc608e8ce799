"""What the description cannot say of this one daemon, for schemathesis.

Only what is valid is replaced, and by what is as valid: no fault of the server is covered up.
"""

import re
import uuid

import schemathesis

# What the emulator's people do, by the last digit of their numbers: 1 answers and talks.
PEOPLE = "1121345611"

SPEAKABLE = re.compile(r"(?=\s*\S)[^\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]{1,4096}")


@schemathesis.hook
def before_call(_context, case, _kwargs):
    key = (case.headers or {}).get("Idempotency-Key")
    if key and len(key) <= 255 and key.isascii() and key.isprintable():
        # Two different requests with one key are refused, and a fuzzer likes the key "0".
        case.headers["Idempotency-Key"] = str(uuid.uuid4())
    if isinstance(case.body, dict):
        if case.path == "/v1/calls":
            make_possible(case.body)
        if case.path == "/v1/calls/{id}/ask":
            make_short(case.body)
        if case.path in ("/v1/calls/{id}/ask", "/v1/calls/{id}/listen"):
            make_consistent(case.body)


def make_possible(call):
    if isinstance(call.get("provider"), str):
        call["provider"] = "twilio"
    number = call.get("to")
    if isinstance(number, str) and re.fullmatch(r"\+[1-9][0-9]{1,14}", number):
        # A random number is mostly one that no carrier takes.
        call["to"] = f"+1555010000{PEOPLE[len(number) % len(PEOPLE)]}"


def make_consistent(listening):
    """Where speech alone is asked for, no digits are counted."""
    if listening.get("input", "speech") != "speech":
        return
    count, key = listening.get("max_digits"), listening.get("finish_on_key")
    if isinstance(count, int) and not isinstance(count, bool) and 1 <= count <= 32:
        del listening["max_digits"]
    if isinstance(key, str) and re.fullmatch("[0-9*#]", key):
        del listening["finish_on_key"]


def make_short(question):
    """What is answered by nobody is waited for, and a long text is spoken for minutes."""
    match question.get("timeout"):
        case None:
            question["timeout"] = 0.2
        case bool():
            pass
        case int() | float() as seconds if 0.2 < seconds <= 3600:
            question["timeout"] = 0.2
        case str() as text if re.fullmatch(r"[1-9][0-9]*s|[1-9][0-9]*m([0-9]+s)?|1h", text):
            question["timeout"] = "1s"
    text = question.get("text")
    if isinstance(text, str) and SPEAKABLE.fullmatch(text):
        question["text"] = text.strip()[:1]
