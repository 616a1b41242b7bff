"""Bad download URLs: each member of the signed query missing, empty, twice, altered in every character; times, names and
spellings; ranges that are none. A refusal has the one shape and tells nothing of packages or times to who holds no signature.
"""

import hashlib
import os
import re
import string
import time

import pytest

from gateway_rig.fixtures import bench, fake_broker, gateway, make_gateway, web  # noqa: F401
from gateway_rig.process import signed
from surface.outcome import shape_problem

pytestmark = pytest.mark.needs_no_plugin

DATA = os.urandom(5000)
NAME = hashlib.sha256(DATA).hexdigest()
OTHER = "0" * 64
FORGED, EXPIRED, UNSIGNED, MORE = "not signed by this server", "has expired", "needs a signed URL", "does not cover"
DIGITS = string.ascii_letters + string.digits + "-_"


@pytest.fixture
def path(gateway):
    gateway.put_package(DATA)
    return signed(NAME)


def refused(answer, status, code, path, words, what=""):
    assert shape_problem(answer.json) is None, answer.json
    error = answer.json["error"]
    assert (answer.status, error["code"], error.get("path", "")) == (status, code, path), (what, error)
    assert words in error["message"], (what, error)


def denied(web, target, words=FORGED, path=""):
    refused(web.get(target), 403, "denied", path, words, target)


def changed(target, name, value):
    return re.sub(rf"([?&]{name}=)[^&]*", lambda found: found[1] + value, target)


def member(target, name):
    return re.search(rf"[?&]{name}=([^&]*)", target)[1]


@pytest.mark.parametrize("name", "edks")
def test_member_of_the_query_missing_empty_or_twice_is_told_by_its_name(web, path, name):
    head, _, rest = path.partition("?")
    members = rest.split("&")
    without = [each for each in members if not each.startswith(name + "=")]
    own = next(each for each in members if each.startswith(name + "="))
    denied(web, f"{head}?{'&'.join(without)}", UNSIGNED, name)
    denied(web, f"{head}?{'&'.join([*without, name.upper() + own[1:]])}", UNSIGNED, name)
    denied(web, changed(path, name, ""))
    for second in (own, f"{name}=", f"{name}=0"):
        refused(web.get(f"{path}&{second}"), 400, "invalid", name, "twice")


@pytest.mark.parametrize("name", "edks")
def test_every_character_of_the_query_altered_is_a_forgery(web, path, name):
    value = member(path, name)
    for index, old in enumerate(value):
        other = DIGITS[DIGITS.index(old) ^ 1] if name == "s" else ("1" if old != "1" else "2")
        denied(web, changed(path, name, value[:index] + other + value[index + 1:]))
    escaped = f"%{ord(value[0]):02x}{value[1:]}"
    for wrong in (value[:-1], value + "0", "0" + value, value + "%00", value + "%20", "+" + value, escaped):
        answer = web.get(changed(path, name, wrong))
        assert answer.status in (400, 403) and shape_problem(answer.json) is None, (wrong, answer)


@pytest.mark.parametrize("target", [
    signed(NAME).replace(NAME, NAME.upper()), signed(NAME).replace(NAME, OTHER), signed(NAME).replace(NAME, NAME[:-1]),
    signed(NAME).replace(NAME, NAME + "0"), signed(NAME, key="22" * 32),
    signed(NAME, device="A" * 16), signed(NAME, device="0" * 15),
    signed(NAME, expires=99999999999), signed(NAME, expires=-1), signed(NAME, expires="1e9"), signed(NAME, expires=""),
    signed(NAME.upper()), signed(NAME[:-1]), signed(NAME + "0"), signed("../gateway.conf"), signed(""),
    changed(signed(NAME), "k", "00000000"), changed(signed(NAME), "k", member(signed(NAME), "k").upper()),
    changed(signed(NAME), "d", "f" * 16), changed(signed(NAME), "s", member(signed(NAME), "s") + "="), signed(NAME) + "%",
], ids=str)
def test_forgery_of_any_kind_is_403_with_one_sentence(web, path, target):
    answer = web.get(target)
    assert (answer.status, shape_problem(answer.json)) in ((403, None), (404, None), (400, None)), answer
    if answer.status == 403:
        assert FORGED in answer.json["error"]["message"]


def test_more_members_than_are_signed_are_refused(web, path):
    for more in ("&x=1", "&x=", "&e2=5"):
        denied(web, path + more, MORE)


@pytest.mark.parametrize("seconds, words", [(-1, EXPIRED), (0, EXPIRED), (-10 ** 9, EXPIRED)])
def test_time_that_is_over_is_told_to_who_holds_the_signature_alone(web, path, seconds, words):
    end = int(time.time()) + seconds
    denied(web, signed(NAME, expires=end), words)
    denied(web, signed(OTHER, expires=end), words)
    denied(web, signed(NAME, expires=end, key="22" * 32), FORGED)


def test_time_goes_to_its_limit(web, path):
    assert web.get(signed(NAME, expires=9999999999)).body == DATA
    denied(web, signed(NAME, expires=10000000000))


def test_package_that_is_not_there_is_told_to_who_holds_the_signature_alone(web, path):
    refused(web.get(signed(OTHER)), 404, "not_found", "", "package")
    denied(web, signed(OTHER, key="22" * 32))


def test_refusal_of_a_head_has_no_body(web, path):
    for target, status in ((changed(path, "d", "f" * 16), 403), (signed(OTHER), 404), (signed(NAME, expires=1), 403)):
        answer = web.request("HEAD", target)
        assert (answer.status, answer.body) == (status, b"")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "get"])
def test_other_method_is_405(web, path, method):
    answer = web.request(method, path, b"")
    assert "GET" in answer.headers["Allow"] and "HEAD" in answer.headers["Allow"]
    refused(answer, 405, "conflict", "", method)


SIZE = len(DATA)
WHOLE = (200, DATA)
RANGES = [  # (header, status, body)
    ("bytes=0-0", 206, DATA[:1]), (f"bytes={SIZE - 1}-{SIZE - 1}", 206, DATA[-1:]), (f"bytes=0-{SIZE - 1}", 206, DATA),
    (f"bytes=0-{SIZE}", 206, DATA), ("bytes=4000-", 206, DATA[4000:]), (f"bytes=4000-{2 ** 63}", 206, DATA[4000:]),
    (f"bytes=4000-{2 ** 64 - 1}", 206, DATA[4000:]), ("bytes=-1", 206, DATA[-1:]), (f"bytes=-{SIZE}", 206, DATA),
    (f"bytes=-{SIZE + 1}", 206, DATA), (f"bytes=-{2 ** 63}", 206, DATA),
    (f"bytes={SIZE}-", 416, None), (f"bytes={SIZE}-{SIZE}", 416, None), (f"bytes={2 ** 63}-", 416, None),
    ("bytes=-0", 416, None),
    ("bytes=0-1,3-4", *WHOLE), ("bytes=0-1,", *WHOLE), ("bytes=5-2", *WHOLE), ("bytes=--5", *WHOLE), ("bytes=-5-", *WHOLE),
    ("bytes=0x0-0x5", *WHOLE), ("bytes=a-b", *WHOLE), ("bytes=", *WHOLE), ("bytes", *WHOLE),
    ("0-5", *WHOLE), ("bits=0-5", *WHOLE),
    ("bytes=1.5-2", *WHOLE), (f"bytes={2 ** 64}-", *WHOLE), ("bytes=" + "9" * 5000 + "-", *WHOLE), ("", *WHOLE),
]


@pytest.mark.parametrize("asked, status, body", RANGES, ids=[row[0][:40] for row in RANGES])
def test_range_is_a_part_unsatisfiable_or_passed_over(web, path, asked, status, body):
    answer = web.get(path, Range=asked)
    if status == 416:
        refused(answer, 416, "invalid", "Range", str(SIZE))
        assert answer.headers["Content-Range"] == f"bytes */{SIZE}"
    else:
        assert (answer.status, answer.body) == (status, body)


@pytest.mark.parametrize("condition", [f'"{OTHER}"', f'W/"{NAME}"', NAME, f'"{NAME}', f'"{NAME}", "x"', "*", "", "\xff",
                                       '"' + "x" * 5000 + '"'])
def test_if_range_of_any_other_form_gives_the_whole(web, path, condition):
    answer = web.get(path, Range="bytes=7-9", If_Range=condition)
    assert (answer.status, answer.body) == (200, DATA)
