"""Bad uploads: each parameter of the query, the headers, the body. Whatever is wrong, the refusal has the one shape, nothing
stays in the package directory, and the same upload done right works.
"""

import hashlib
import json
import threading

import pytest

from gateway_rig.fake_broker import TOKEN
from gateway_rig.fixtures import bench, fake_broker, gateway, plugin, web  # noqa: F401
from harness.wait import until
from surface import query, tables
from surface.outcome import mismatch, shape_problem

pytestmark = pytest.mark.needs_no_plugin
DATA = b"an image"
NAME = hashlib.sha256(DATA).hexdigest()
TARGET = "/api/v1/packages?productKey=pk1&version=2.0.0"
FIELDS = query.upload_fields(tables.all_fields())


@pytest.fixture
def echoed(plugin):
    """addPackage answers with itself; without an id, so that the body is asked for."""
    plugin.answers["addPackage"] = lambda command: {key: value for key, value in command.items() if key != "token"}
    return plugin


@pytest.mark.parametrize("field", FIELDS, ids=str)
def test_parameter_of_an_upload(echoed, gateway, web, field):
    found = []
    for case in query.cases(field):
        if case.code is None and field.path[0] == "sha256":
            continue  # at its limit it is a digest, and of other bytes
        echoed.commands.clear()
        answer = web.put(case.target, DATA)
        error = None if answer.status == 201 else answer.json["error"]
        found += [mismatch(case, error, case.path), error and shape_problem(answer.json)]
        if error:
            found.append(f"{case}: {answer.status}" if answer.status not in (400, 413) else None)
            found.append(f"{case}: the plugin was asked" if echoed.asked("addPackage") else None)
        elif answer.json.get(field.path[0]) != case.value:
            found.append(f"{case}: {case.value!r} came as {answer.json}")
    assert not any(found), "\n".join(filter(None, found))
    assert gateway.packages() in ([], [NAME])


@pytest.mark.parametrize("name, value", [("size", 8), ("md5", "0" * 32), ("url", "http://h/f")])
def test_what_the_gateway_measures_is_not_claimed(gateway, web, name, value):
    refused(web.put(f"{TARGET}&{name}={value}", DATA), 400, "invalid", name, "does not stand in the query of an upload")
    assert gateway.packages() == []


def test_an_upload_is_not_merely_tried(gateway, web):
    refused(web.put(f"{TARGET}&dryRun=true", DATA), 400, "invalid", "dryRun", 'there is no query parameter "dryRun"')
    assert gateway.packages() == []


def refused(answer, status, code, path, words):
    assert shape_problem(answer.json) is None
    error = answer.json["error"]
    assert (answer.status, error["code"], error.get("path", "")) == (status, code, path) and words in error["message"], error


def said_to(web, headers, body=DATA):
    """The answer to an upload with these header lines and nothing else."""
    head = f"PUT {TARGET} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n".encode()
    with web.line() as line:
        line.send(head + b"".join(each + b"\r\n" for each in headers) + b"\r\n" + body)
        return line.answer()


LENGTH = f"Content-Length: {len(DATA)}".encode()


@pytest.mark.parametrize("headers, status, code, path, words", [
    ([], 411, "invalid", "Content-Length", "needs a Content-Length"),
    ([b"Transfer-Encoding: chunked"], 411, "invalid", "Content-Length", "needs a Content-Length"),
    ([b"Content-Length: 0"], 400, "invalid", "Content-Length", "empty"),
    ([b"Content-Length:"], 400, "invalid", "", "Content-Length"),
    ([b"Content-Length: -1"], 400, "invalid", "", "Content-Length"),
    ([b"Content-Length: +8"], 400, "invalid", "", "Content-Length"),
    ([b"Content-Length: 0x8"], 400, "invalid", "", "Content-Length"),
    ([b"Content-Length: 8.0"], 400, "invalid", "", "Content-Length"),
    ([b"Content-Length: 8, 8"], 400, "invalid", "", "Content-Length"),
    ([b"Content-Length: 18446744073709551615"], 413, "limit", "Content-Length", "upload_limit"),
    ([b"Content-Length: 18446744073709551616"], 413, "limit", "", "larger"),
    ([b"Content-Length: 99999999999999999999999999"], 413, "limit", "", "larger"),
    ([b"Content-Length: 4294967296"], 413, "limit", "Content-Length", "upload_limit"),
    ([LENGTH, LENGTH], 400, "invalid", "Content-Length", "twice"),
    ([LENGTH, b"Content-Length: 9"], 400, "invalid", "Content-Length", "twice"),
    ([LENGTH, b"Transfer-Encoding: chunked"], 400, "invalid", "Transfer-Encoding", "one of them"),
    ([LENGTH, b"Transfer-Encoding: gzip"], 400, "invalid", "Transfer-Encoding", "chunked is known"),
    ([b"Transfer-Encoding: gzip, chunked"], 400, "invalid", "Transfer-Encoding", "chunked is known"),
    ([LENGTH, b"Transfer-Encoding: identity"], 400, "invalid", "Transfer-Encoding", "chunked is known"),
    ([LENGTH, b"Content-Encoding: gzip"], 400, "invalid", "Content-Encoding", "as it is"),
    ([LENGTH, b"Content-Range: bytes 0-7/16"], 400, "invalid", "Content-Range", "whole"),
    ([LENGTH, b"Idempotency-Key:"], 400, "invalid", "Idempotency-Key", "1..64"),
    ([LENGTH, b"Idempotency-Key: " + b"k" * 65], 400, "invalid", "Idempotency-Key", "1..64"),
    ([LENGTH, b"Idempotency-Key: \xff"], 400, "invalid", "Idempotency-Key", "UTF-8"),
    ([LENGTH, b"Idempotency-Key: a\tb"], 400, "invalid", "Idempotency-Key", "UTF-8"),
    ([LENGTH, b"Idempotency-Key: a", b"Idempotency-Key: a"], 400, "invalid", "Idempotency-Key", "twice"),
], ids=lambda value: b" ".join(value)[:60].decode("latin-1") if isinstance(value, list) else "")
def test_header_of_an_upload(echoed, gateway, web, headers, status, code, path, words):
    refused(said_to(web, headers), status, code, path, words)
    assert gateway.packages() == [] and echoed.asked("addPackage") == []
    assert web.put(TARGET, DATA).status == 201


@pytest.mark.parametrize("headers", [
    [LENGTH, b"Expect: 200-ok"], [LENGTH, b"Expect: "], [LENGTH, b"Content-Type: text/x\xff"],
    [LENGTH, b"Content-Encoding: identity"],
    [LENGTH, b"Idempotency-Key: " + b"k" * 64], [b"content-LENGTH:   8"], [b"Content-Length: 00008"],
], ids=lambda value: b" ".join(value)[:60].decode("latin-1"))
def test_header_that_is_strange_and_does_no_harm(echoed, gateway, web, headers):
    answer = said_to(web, headers)
    assert answer.status == 201 and answer.json["sha256"] == NAME and gateway.packages() == [NAME]


def test_bytes_behind_the_body_are_another_request(echoed, gateway, web):
    with web.line() as line:
        line.send(web.head("PUT", TARGET, {"Content-Length": len(DATA)}) + DATA + b"and more\r\n\r\n")
        assert line.answer().status == 201
        refused(line.answer(), 400, "invalid", "", "no well-formed HTTP request")
        line.wait_closed()
    assert gateway.packages() == [NAME]
    assert web.get("/healthz").status == 200


def test_body_that_ends_early_leaves_nothing(echoed, gateway, web):
    with web.line() as line:
        line.send(web.head("PUT", TARGET, {"Content-Length": len(DATA) + 1}) + DATA)
        until(gateway.packages, "the temporary file exists")
    until(lambda: not gateway.packages(), "the temporary file is gone")
    assert len(echoed.asked("addPackage")) == 1
    assert web.put(TARGET, DATA).status == 201


@pytest.mark.parametrize("given", ["0" * 64, NAME[:-1] + ("0" if NAME[-1] != "0" else "1")])
def test_digest_of_other_bytes_is_told_with_the_true_one(echoed, gateway, web, given):
    refused(web.put(f"{TARGET}&sha256={given}", DATA), 400, "invalid", "sha256", NAME)
    assert gateway.packages() == []


def test_two_uploads_of_the_same_bytes_at_once_are_one_file(echoed, gateway, web):
    answers = []
    with web.line() as first, web.line() as second:
        for line in (first, second):
            line.send(web.head("PUT", TARGET, {"Content-Length": len(DATA)}) + DATA[:4])
        until(lambda: len(gateway.packages()) == 2, "both are under way")
        last = threading.Thread(target=lambda: (second.send(DATA[4:]), answers.append(second.answer())))
        last.start()
        first.send(DATA[4:])
        answers.append(first.answer())
        last.join()
    assert [(answer.status, json.loads(answer.body)["sha256"]) for answer in answers] == [(201, NAME)] * 2
    assert gateway.packages() == [NAME] and (gateway.package_dir / NAME).read_bytes() == DATA
