"""Bad input of operators over HTTP: the members of a POST, the parameters of a query, the variables of a path, headers, tokens,
and what is no HTTP at all. Whatever is wrong, the refusal has the one shape: {"error": {"code", "message"[, "path"]}}.
"""

import json

import pytest

from gateway_rig.fake_broker import TOKEN
from gateway_rig.fixtures import bench, fake_broker, gateway, plugin, web  # noqa: F401
from surface import fields, query, tables
from surface.outcome import mismatch, shape_problem
from surface.text import dump

pytestmark = pytest.mark.needs_no_plugin
FIELDS = [field for field in tables.all_fields() if tables.commands()[field.command]["role"] != "none"]
ASKED = query.asked_fields(FIELDS)
STATUS = {"invalid": 400, "limit": 413, "not_found": 404, "conflict": 409, "denied": 403}


class Echo(dict):
    """Every command answers with itself."""

    def __missing__(self, _):
        return lambda command: {key: value for key, value in command.items() if key not in ("correlationData", "token")}


@pytest.fixture
def echoed(plugin):
    plugin.answers = Echo()
    return plugin


class Talk:
    """Requests one after the other on one connection, on a new one where the gateway ended it."""

    def __init__(self, web):
        self.web = web
        self.line = web.line()

    def ask(self, method, target, body=None, headers=None):
        headers = {**(headers or {}), **({} if body is None else {"Content-Length": len(body)})}
        self.line.send(self.web.head(method, target, headers) + (body or b""))
        answer = self.line.answer(has_body=method != "HEAD")
        if answer.headers.get("Connection", "").lower() == "close":
            self.line.close()
            self.line = self.web.line()
        return answer


@pytest.fixture
def talk(web):
    made = Talk(web)
    yield made
    made.line.close()


def problem(case, answer, path):
    """What is wrong with an answer."""
    value = answer.json
    if answer.status < 300:
        return mismatch(case, None, path)
    error = value.get("error", {})
    if answer.status != STATUS.get(error.get("code")):
        return f"{case}: {answer.status} for {error}"
    return shape_problem(value) or mismatch(case, error, path)


def without_loss(case, answer):
    """What was accepted reached the plugin as it was."""
    if case.code is not None:
        return None
    sent = json.loads(dump(case.members))
    lost = {key: value for key, value in sent.items() if answer.json.get(key) != value}
    return f"{case}: lost on the way: {str(lost)[:200]}" if lost else None


@pytest.mark.parametrize("field", FIELDS, ids=str)
def test_member_of_a_post(echoed, talk, field):
    found = []
    for case in fields.cases(field):
        answer = talk.ask("POST", f"/api/v1/{field.command}", dump(case.members))
        found += [problem(case, answer, case.path), without_loss(case, answer)]
    assert not any(found), "\n".join(filter(None, found))


@pytest.mark.parametrize("field", ASKED, ids=str)
def test_parameter_of_a_get(echoed, talk, field):
    found = []
    for case in query.cases(field):
        answer = talk.ask("GET", case.target)
        found.append(problem(case, answer, case.path))
        if case.code is None and answer.json.get(field.path[0]) != case.value:
            found.append(f"{case}: {case.value!r} came as {answer.json}")
    assert not any(found), "\n".join(filter(None, found))


def refused(answer, status, code, path="", words=""):
    """A refusal of the one shape, with these values."""
    assert shape_problem(answer.json) is None
    error = answer.json["error"]
    assert (answer.status, error["code"], error.get("path", "")) == (status, code, path), error
    assert words in error["message"]
    return error["message"]


def said_to(web, data):
    """The answer to raw bytes; None when the connection was closed without one."""
    with web.line() as line:
        try:
            line.send(data)
            line.socket.shutdown(1)
            return line.answer()
        except TimeoutError:
            raise
        except OSError:
            return None


START = b"POST /api/v1/getServer HTTP/1.1\r\nHost: x\r\n"


@pytest.mark.parametrize("data, status, words", [
    (b"GET /healthz HTTP/1.1\r\n\r\n", 400, "Host"),
    (b"GET /healthz HTTP/9.9\r\nHost: x\r\n\r\n", 400, "HTTP/1.1"),
    (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, "HTTP/1.1"),
    (b"GET /healthz HTTP/1.1\r\nHost\r\n\r\n", 400, "headers"),
    (b"GET /healthz HTTP/1.1\r\n folded: x\r\n\r\n", 400, "headers"),
    (b"GET /" + b"y" * 49_500 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414, "24576"),
    (b"GET /" + b"y" * 25_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 413, "24576"),
    (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 49_500 + b"\r\n\r\n", 431, "16384"),
    (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 17_000 + b"\r\n\r\n", 431, "16384"),
    (START + b"Content-Length: -1\r\n\r\n", 400, "Content-Length"),
    (START + b"Content-Length: seven\r\n\r\n", 400, "Content-Length"),
    (START + b"Content-Length: 99999999999999999999999\r\n\r\n", 413, "larger"),
    (START + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", 400, "HTTP request"),
    (START + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", 400, "twice"),
    (START + b"Transfer-Encoding: gzip\r\n\r\n{}", 400, "chunked is known"),
    (START + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}", 400, "one of them"),
    (b"GET /healthz HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", 400, "chunked is known"),
], ids=lambda value: value[:60].decode("latin-1") if isinstance(value, bytes) else None)
def test_what_is_no_http_gets_the_one_shape_too(web, data, status, words):
    answer = said_to(web, data)
    refused(answer, status, answer.json["error"]["code"], answer.json["error"].get("path", ""), words)
    assert answer.json["error"]["code"] == ("limit" if status in (413, 414, 431) else "invalid")
    assert answer.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("data", [b"\x16\x03\x01\x02\x00\x01\x00", b"GET\r\n\r\n", b"\0" * 100, b"GET / '1 2 HTTP/1.1\r\n\r\n"])
def test_what_speaks_another_protocol_is_cut_off(gateway, web, data):
    said_to(web, data)
    assert web.get("/healthz").status == 200


@pytest.mark.parametrize("name, value", [("Host", "y"), ("Authorization", f"Bearer {TOKEN}"), ("Idempotency-Key", "k"),
                                         ("Range", "bytes=0-"), ("If-Range", '"x"')])
def test_header_given_twice_is_refused_with_its_name(web, name, value):
    first = "" if name in ("Host", "Authorization") else f"{name}: {value}\r\n"
    head = web.head("GET", "/api/v1/products").replace(b"\r\n\r\n", f"\r\n{first}{name}: {value}\r\n\r\n".encode())
    refused(said_to(web, head), 400, "invalid", name, "twice")


@pytest.mark.parametrize("value, words", [
    ("", "a token is needed"), ("Bearer", "a token is needed"), ("Bearer ", "a token is needed"), (f"Basic {TOKEN}", "is needed"),
    ("Bearer x", "malformed"), (f"Bearer {TOKEN}x", "malformed"), (f"Bearer {TOKEN[:-1]}", "malformed"),
    ("Bearer " + "y" * 9000, "malformed"), (f"Bearer {TOKEN[:-1]}!", "malformed"), ("Bearer ota_" + "E" * 43, "token"),
    (f"Bearer {TOKEN} {TOKEN}", "malformed"), ("Bearer \xff", "malformed"),
])
def test_token_that_is_none_is_401(web, value, words):
    answer = web.request("GET", "/api/v1/products", headers={"Authorization": value})
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    refused(answer, 401, "denied", answer.json["error"].get("path", ""), words)


@pytest.mark.parametrize("value, words", [("x" * 64, None), ("x" * 65, "1..64"), ("\xff", "UTF-8"), ("a\tb", "UTF-8")])
def test_idempotency_key_is_checked_and_named(echoed, web, value, words):
    answer = web.post("createProduct", {"Idempotency-Key": value}, productKey="pk1")
    if words is None:
        assert answer.json["requestId"] == value
    else:
        refused(answer, 400, "invalid", "Idempotency-Key", words)


def test_idempotency_key_and_another_request_id_are_refused(echoed, web):
    refused(web.post("createProduct", {"Idempotency-Key": "a"}, productKey="pk1", requestId="b"), 400, "invalid",
            "Idempotency-Key", "differ")
    assert web.post("createProduct", {"Idempotency-Key": "a"}, productKey="pk1", requestId="a").status == 201


@pytest.mark.parametrize("member", ["command", "token", "correlationData"])
def test_member_of_the_transport_does_not_stand_in_a_body(web, member):
    refused(web.post("createProduct", productKey="pk1", **{member: "x"}), 400, "invalid", member, "body")


@pytest.mark.parametrize("body, words", [
    (b"\xef\xbb\xbf{}", "not a JSON value"), ('{"name":"x"}'.encode("utf-16"), "not a JSON value"), (b"{", "quotes"),
    (b'{"a":', "ends too early"), (b"[]", "object"), (b"7", "object"), (b"null", "object"), (b'{"a":1,}', "comma"),
    (b"{'a':1}", "quotes"), (b'{"productKey":"a"} x', "behind"), (b'{"productKey":"a"}\0', "behind"),
    (b'{"a":' * 9 + b"1" + b"}" * 9, "deeper than 8"), (b'{"productKey":1e999}', "beyond"),
    (b'{"productKey":' + b"1" * 70 + b"}", "63 characters"), (b'{"a" 1}', "colon"), (b'{"productKey":NaN}', "not a JSON value"),
    (b'{"productKey":01}', "number of JSON"),
])
def test_body_that_is_no_json_of_ours(web, body, words):
    answer = web.request("POST", "/api/v1/createProduct", body)
    error = answer.json["error"]
    assert answer.status in (400, 413) and shape_problem(answer.json) is None
    assert words in error["message"], error


@pytest.mark.parametrize("target", ["/api/v1/products/pk%31", "/api/v1/products/%00", "/api/v1/batches/7%2ftasks"])
def test_escape_in_a_path_is_refused(web, target):
    refused(web.get(target), 400, "invalid", "", "escape")


def test_more_parameters_than_any_command_has_are_refused(web):
    query = "&".join(f"p{number}=1" for number in range(17))
    refused(web.get(f"/api/v1/products?{query}"), 413, "limit", "", "16")


def test_method_of_no_use_is_405_in_the_one_shape(web):
    for method in ("DELETE", "PATCH", "OPTIONS", "TRACE", "BREW", "get"):
        answer = web.request(method, "/api/v1/products", b"")
        assert answer.headers["Allow"]
        refused(answer, 405, "conflict", "", method)


def test_query_behind_a_post_is_refused(web):
    refused(web.request("POST", "/api/v1/createProduct?productKey=a", b"{}"), 400, "invalid", "", "body")
