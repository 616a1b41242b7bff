"""tests/golden: the bytes that leave for devices follow the schemas, and are written the way devices can read."""

import json

import pytest

from harness import places, schemas

pytestmark = pytest.mark.needs_no_plugin

# By the beginning of the file's name.
REFERENCES = {
    "push": ["device/push"],
    "pull-reply": ["device/firmware-get-reply"],
    "cancel": ["device/cancel"],
    "inform": ["device/inform", "device/inform#/$defs/ours"],
    "progress": ["device/progress", "device/progress#/$defs/ours"],
}
FILES = sorted(places.GOLDEN.glob("*.json"))


def kind(path):
    return next((begin for begin in REFERENCES if path.name.startswith(begin)), None)


def payload(path):
    """Without the newline an editor may leave. Document 004 prints words in place of a URL."""
    return path.read_bytes().rstrip(b"\n").replace(b"update package downloaded url address", b"http://host/image")


def test_golden_messages_are_there():
    assert {kind(path) for path in FILES} == set(REFERENCES)


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_golden_message_follows_its_schema(path):
    for reference in REFERENCES[kind(path)]:
        schemas.check_bytes(reference, payload(path))


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_golden_message_is_compact(path):
    assert payload(path) == json.dumps(json.loads(payload(path)), separators=(",", ":"), ensure_ascii=False).encode()


PUSHES = [path for path in FILES if kind(path) in ("push", "pull-reply")]


@pytest.mark.parametrize("path", PUSHES, ids=[path.stem for path in PUSHES])
def test_golden_push_needs_no_escape(path):
    assert b"\\" not in payload(path)


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_bent_golden_message_is_refused(path):
    value = json.loads(payload(path))
    if kind(path) in ("push", "pull-reply", "cancel"):
        assert schemas.errors(REFERENCES[kind(path)][0], {**value, "surplus": 1})
    else:
        value["params"]["surplus"] = 1
        assert schemas.errors(REFERENCES[kind(path)][1], value)
