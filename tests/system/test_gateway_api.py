"""The REST side of the command table, and a broker that is away, silent, slow or confused."""

import json
import re
import ssl
import subprocess
import threading
import time
import urllib.request

import pytest

from gateway_rig.fake_broker import TOKEN, FakePlugin, Raw, Refusal, Silence
from gateway_rig.fixtures import bench, fake_broker, gateway, make_gateway, plugin, web  # noqa: F401
from gateway_rig.process import signed
from harness import places
from harness.wait import DEADLINE, until

pytestmark = pytest.mark.needs_no_plugin


def echo(command):
    """The command as data, without what changes from call to call."""
    return {key: value for key, value in command.items() if key not in ("correlationData", "token")}


class Echo(dict):
    """Every command answers with itself."""

    def __missing__(self, _):
        return echo


@pytest.fixture
def echoed(plugin):
    plugin.answers = Echo()
    return plugin


@pytest.mark.parametrize("target, command", [
    ("/api/v1/server", {"command": "getServer"}),
    ("/api/v1/products", {"command": "listProducts"}),
    ("/api/v1/products?limit=5&after=x", {"command": "listProducts", "limit": 5, "after": "x"}),
    ("/api/v1/products/pk1", {"command": "getProduct", "productKey": "pk1"}),
    ("/api/v1/products/pk1/versions?module=mcu", {"command": "versionDistribution", "productKey": "pk1", "module": "mcu"}),
    ("/api/v1/devices?productKey=pk1&online=true", {"command": "listDevices", "productKey": "pk1", "online": True}),
    ("/api/v1/devices/pk1/a:b@c.d_e-f", {"command": "getDevice", "productKey": "pk1", "deviceName": "a:b@c.d_e-f"}),
    ("/api/v1/packages?productKey=pk1", {"command": "listPackages", "productKey": "pk1"}),
    ("/api/v1/packages/7", {"command": "getPackage", "package": 7}),
    ("/api/v1/batches?state=running", {"command": "listBatches", "state": "running"}),
    ("/api/v1/batches/7", {"command": "getBatch", "batch": 7}),
    ("/api/v1/batches/7/order?all=true", {"command": "exportBatch", "batch": 7, "all": True}),
    ("/api/v1/batches/7/tasks?state=failed", {"command": "listTasks", "batch": 7, "state": "failed"}),
    ("/api/v1/tasks/9007199254740991", {"command": "getTask", "task": 9007199254740991}),
    ("/api/v1/events?batch=7", {"command": "listEvents", "batch": 7}),
])
def test_get_alias_is_the_command(echoed, web, target, command):
    answer = web.get(target)
    assert (answer.status, answer.json) == (200, command)
    assert answer.headers["Content-Type"] == "application/json"
    assert echoed.commands[-1]["token"] == TOKEN


@pytest.mark.parametrize("command, members, status", [
    ("createProduct", {"productKey": "pk1", "name": "One"}, 201),
    ("registerDevices", {"productKey": "pk1", "names": ["a", "b"]}, 201),
    ("createBatch", {"package": 1, "kind": "static", "targets": {"all": True}, "strategy": {"pushTimeout": "90s"}}, 201),
    ("createBatch", {"package": 1, "kind": "static", "targets": {"all": True}, "dryRun": True}, 200),
    ("pauseBatch", {"batch": 7, "reason": "lunch"}, 200),
    ("cancelBatch", {"batch": 7, "level": "revoke"}, 200),
    ("getServer", {}, 200),
])
def test_post_is_the_command(echoed, web, command, members, status):
    answer = web.post(command, **members)
    assert (answer.status, answer.json) == (status, {"command": command, **members})


def test_post_without_a_body_has_no_members(echoed, web):
    assert web.request("POST", "/api/v1/getServer", b"").status == 200


def test_idempotency_key_stands_for_request_id(echoed, web):
    answer = web.post("createProduct", {"Idempotency-Key": "abc"}, productKey="pk1")
    assert answer.json["requestId"] == "abc"
    assert "requestId" not in web.post("listProducts", {"Idempotency-Key": "abc"}).json


@pytest.mark.parametrize("code, status", [("invalid", 400), ("not_found", 404), ("conflict", 409), ("denied", 403),
                                          ("limit", 413), ("unavailable", 503), ("io", 500), ("a word from later", 500)])
def test_refusal_of_the_plugin_becomes_a_status(plugin, web, code, status):
    def refuse(_):
        raise Refusal(code, "a sentence", "some.path")
    plugin.answers["listProducts"] = refuse
    answer = web.get("/api/v1/products")
    assert answer.status == status
    assert answer.json["error"] == {"code": "io" if status == 500 else code, "message": "a sentence", "path": "some.path"}


@pytest.mark.parametrize("headers", [{"Authorization": ""}, {"Authorization": f"Basic {TOKEN}"}, {"Authorization": "Bearer x"},
                                     {"Authorization": "Bearer ota_" + "E" * 43}])
def test_no_or_unknown_token_is_401(web, headers):
    answer = web.request("GET", "/api/v1/products", headers=headers)
    assert (answer.status, answer.error[0]) == (401, "denied")


@pytest.mark.parametrize("method, target, allow", [
    ("PUT", "/api/v1/products", "GET, HEAD"), ("GET", "/api/v1/createBatch", "POST"),
    ("DELETE", "/api/v1/packages", "GET, HEAD, PUT"), ("POST", "/healthz", "GET, HEAD"),
])
def test_wrong_method_is_405_with_the_right_ones(web, method, target, allow):
    answer = web.request(method, target, b"")
    assert (answer.status, answer.headers["Allow"]) == (405, allow)
    assert answer.error[0] == "conflict"


@pytest.mark.parametrize("target", ["/", "/api/v1", "/api/v1/nothing", "/api/v1/batches/7/nothing", "/api/v1/devices/pk1", "/x"])
def test_unknown_path_is_404(web, target):
    assert web.get(target).status == 404


@pytest.mark.parametrize("target", ["/api/v1/products/", "/api/v1//products", "/api/v1/%70roducts", "/api/v1/./products",
                                    "/api/v1/products?a=1&a=2", "/api/v1/products?after=%zz", "/api/v1/products?after=%00",
                                    "/api/v1/products?=x"])
def test_second_spelling_is_400(web, target):
    assert web.get(target).status == 400


def test_misspelled_command_gets_a_hint(web):
    assert "createBatch" in web.post("creatBatch").error[1]


@pytest.mark.parametrize("body, path", [
    (b'{"productKey":"pk1","productKey":"pk2"}', None),
    (b'{"productKey":"pk1"} x', None),
    (b"[]", None),
    (b'{"productKey":"pk1","nam":"x"}', "nam"),
    (b'{"productKey":7}', "productKey"),
    (b'{"productKey":"pk1","token":"ota_x"}', "token"),
    (b'{"productKey":"pk1","command":"getServer"}', "command"),
    (b'{"productKey":"pk1","name":"\xff"}', None),
])
def test_bad_body_is_400_and_never_reaches_the_broker(plugin, web, body, path):
    answer = web.request("POST", "/api/v1/createProduct", body)
    assert answer.status == 400
    assert answer.json["error"].get("path", path) == path or path is None
    assert plugin.asked("createProduct") == []


def test_deep_mistake_is_named_by_its_path(web):
    answer = web.post("createBatch", package=1, kind="static", targets={"all": True}, strategy={"pushTimeout": "soon"})
    assert answer.json["error"]["path"] == "strategy.pushTimeout"


def test_body_of_64_kib_passes_and_one_more_byte_is_413(echoed, web):
    frame = b'{"productKey":"pk1","name":"x"}'
    assert web.request("POST", "/api/v1/createProduct", frame.ljust(65536)).status == 201
    assert web.request("POST", "/api/v1/createProduct", frame.ljust(65537)).status == 413


def test_chunked_body_is_bounded_too(web):
    with web.line() as line:
        line.send(web.head("POST", "/api/v1/createProduct", {"Transfer-Encoding": "chunked"}))
        for _ in range(20):
            line.send(b"1000\r\n" + b" " * 4096 + b"\r\n")
        line.send(b"0\r\n\r\n")
        assert line.answer().status == 413


def test_header_over_16_kib_is_431(web):
    answer = web.request("GET", "/healthz", headers={f"X-{number}": "x" * 900 for number in range(20)})
    assert answer.status == 431


def test_health_tells_of_both(fake_broker, gateway, web):
    assert web.get("/healthz").json == {"gateway": "ok", "broker": "ok"}
    fake_broker.stop()
    answer = web.get("/healthz")
    assert answer.status == 503
    assert answer.json["gateway"] == "ok" and answer.json["broker"].startswith("the broker is away: ")
    until(lambda: "connect" in web.get("/healthz").json["broker"], "the reason is told")
    fake_broker.start()
    gateway.wait_broker()


def test_health_needs_no_token(gateway):
    assert gateway.web(token=None).get("/healthz").status == 200


def test_broker_away_is_503_with_a_sentence(fake_broker, web):
    fake_broker.stop()
    answer = web.get("/api/v1/products")
    assert (answer.status, answer.error[0]) == (503, "unavailable")
    assert "away" in answer.error[1]


def test_broker_lost_while_a_command_waits_says_that_it_may_have_been_done(fake_broker, plugin, web):
    asked = threading.Event()

    def silent(_):
        asked.set()
        raise Silence
    plugin.answers["listProducts"] = silent
    with web.line() as line:
        line.send(web.head("GET", "/api/v1/products"))
        assert asked.wait(10)
        fake_broker.stop()
        answer = line.answer()
    assert answer.status == 503 and "went away" in answer.error[1] and "may have been carried out" in answer.error[1]


def test_answer_for_another_correlation_is_ignored(plugin, web):
    def confused(command):
        other = dict(command, correlationData="0" * 32)
        raise Raw(FakePlugin.answer(other, data={"wrong": True}), b"not json", b'{"responses":7}', b"{}",
                  FakePlugin.answer(command, data={"right": True}))
    plugin.answers["listProducts"] = confused
    assert web.get("/api/v1/products").json == {"right": True}


def test_answer_is_taken_once(plugin, web):
    def twice(command):
        raise Raw(FakePlugin.answer(command, data={"n": 1}), FakePlugin.answer(command, data={"n": 2}))
    plugin.answers["listProducts"] = twice
    assert web.get("/api/v1/products").json == {"n": 1}
    assert web.get("/api/v1/products").json == {"n": 1}


def test_answers_are_not_mixed_up_between_callers(echoed, gateway):
    seen = {}

    def ask(number):
        for _ in range(20):
            seen.setdefault(number, set()).add(gateway.web().get(f"/api/v1/batches/{number}").json["batch"])
    threads = [threading.Thread(target=ask, args=(number,)) for number in range(1, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == {number: {number} for number in range(1, 9)}


def test_big_answer_passes_whole(plugin, web):
    items = [{"productKey": f"pk{number}", "name": "n" * 100} for number in range(450)]
    plugin.answers["listProducts"] = {"items": items}
    assert web.get("/api/v1/products").json == {"items": items}


def test_answer_over_64_kib_is_dropped_and_the_caller_told(plugin, gateway, web):
    plugin.answers["listProducts"] = {"items": ["x" * 1000] * 70}
    assert web.get("/api/v1/products").status == 503
    assert "answer_unreadable" in gateway.log()
    plugin.answers["listProducts"] = {"items": []}
    assert web.get("/api/v1/products").json == {"items": []}


def test_answer_without_data_or_error_is_500(plugin, web):
    def empty(command):
        raise Raw(FakePlugin.answer(command))
    plugin.answers["listProducts"] = empty
    assert web.get("/api/v1/products").status == 500


def test_escapes_of_a_terminal_never_reach_the_log(gateway, web):
    with web.line() as line:
        line.send(b"GET /\x1b[31mred HTTP/1.1\r\nHost: x\r\n\r\n")
        assert line.answer().status == 400
    until(lambda: "path=" in gateway.log(), "the request is logged")
    assert "\x1b" not in gateway.log()


def test_token_and_signature_never_reach_the_log(echoed, gateway, web):
    web.get("/dl/" + "0" * 64 + "?e=1&d=2&k=3&s=secretsignature")
    web.get("/api/v1/products")
    until(lambda: gateway.log().count("path=") >= 2, "the requests are logged")
    assert TOKEN not in gateway.log() and "secretsignature" not in gateway.log()


def test_slow_sender_of_a_header_does_not_stop_others(gateway, web):
    slow = [web.line() for _ in range(50)]
    for line in slow:
        line.send(b"GET /healthz HT")
    assert web.get("/healthz").status == 200
    for line in slow:
        line.close()


def test_stop_with_a_command_on_its_way_is_clean(plugin, gateway, web):
    asked = threading.Event()

    def silent(_):
        asked.set()
        raise Silence
    plugin.answers["listProducts"] = silent
    with web.line() as line:
        line.send(web.head("GET", "/api/v1/products"))
        assert asked.wait(10)
        gateway.stop()


@pytest.mark.parametrize("line, words", [
    ("package_dri = /tmp", "package_dir"), ("listen = 1.2.3.4", "listen"), ("log_level = loud", "debug"),
    ("upload_limit = 0", "upload_limit"), ("tls_cert = /nowhere", "tls_key"),
    ("broker_password_file = /nowhere", "broker_username"),
])
def test_bad_setting_stops_the_start_with_its_name(make_gateway, line, words):
    gateway = make_gateway("bad")
    path = gateway.configure()
    name = line.split(" = ")[0]
    kept = [each for each in path.read_text().splitlines() if not each.startswith(name + " ")]
    path.write_text("\n".join([*kept, line]) + "\n")
    gateway.configure = lambda: path
    with pytest.raises(AssertionError, match=words):
        gateway.start()
    gateway.process = None


def test_json_of_every_refusal_is_valid_utf8(web):
    answer = web.get("/api/v1/devices?productKey=pk1&version=%ff%fe")
    assert answer.status == 400
    json.loads(answer.body.decode("utf-8"))


@pytest.fixture
def certificate(tmp_path):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days",
                    "1", "-subj", "/CN=x", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", tmp_path / "key.pem", "-out",
                    tmp_path / "cert.pem"],
                   check=True, capture_output=True)
    return tmp_path / "cert.pem", tmp_path / "key.pem"


def test_https_is_served_with_a_certificate(make_gateway, certificate):
    gateway = make_gateway("tls", tls_cert=certificate[0], tls_key=certificate[1]).start()
    name = gateway.put_package(b"x" * 100_000)
    context = ssl.create_default_context(cafile=str(certificate[0]))

    def get(path):
        with urllib.request.urlopen(f"https://127.0.0.1:{gateway.port}{path}", timeout=DEADLINE, context=context) as answer:
            return answer.status, answer.read()
    assert get(signed(name)) == (200, b"x" * 100_000)
    assert "listening url=https://127.0.0.1:" in gateway.log()


def test_certificate_that_is_none_stops_the_start(make_gateway, certificate):
    gateway = make_gateway("tls", tls_cert=certificate[1], tls_key=certificate[1])
    with pytest.raises(AssertionError, match="tls_cert"):
        gateway.start()
    gateway.process = None


@pytest.mark.slow
def test_header_that_trickles_is_cut_after_its_deadline(gateway, web):
    """A byte now and then keeps an idle timer happy; the deadline is of the whole header."""
    with web.line() as line:
        begun = time.monotonic()
        line.socket.settimeout(1)
        try:
            while time.monotonic() - begun < 60:
                line.send(b"G")
                try:
                    if not line.socket.recv(100):
                        break
                except TimeoutError:
                    pass
        except ConnectionError:
            pass
        assert 29 < time.monotonic() - begun < 35
    assert "slow_connections_closed" in gateway.log()


def test_connections_of_one_address_are_bounded(make_gateway):
    gateway = make_gateway("few", connections=20, connections_per_address=5).start().wait_broker()
    web = gateway.web()
    held = []
    # not at once: the connections of our own start count until the gateway has seen their end
    until(lambda: _hold(web, held) and len(held) == 5, "five are served at once")
    assert not any(_hold(web, held) for _ in range(3))
    for line in held:
        line.close()
    until(lambda: _is_served(web), "the place is free again")


def _hold(web, held):
    """Whether one connection more was served; it stays open."""
    line = web.line()
    try:
        line.send(web.head("GET", "/healthz"))
        assert line.answer().status == 200
    except ConnectionError:
        line.close()
        return False
    held.append(line)
    return True


def _is_served(web):
    try:
        return web.get("/healthz").status == 200
    except ConnectionError:
        return False


def test_every_path_of_the_openapi_document_is_served(echoed, gateway, web):
    """The document and the gateway know the same paths and methods; what they do is the business of other tests."""
    paths = json.loads((places.SCHEMAS / "openapi.json").read_text())["paths"]
    for path, methods in paths.items():
        target = re.sub(r"\{\w+\}", "7", path)
        for method in ("get", "put", "post", "head"):
            answer = web.request(method.upper(), target, b"" if method in ("put", "post") else None)
            known = method in methods or (method == "head" and "get" in methods)
            assert (answer.status != 405) == known, f"{method} {path}: {answer.status}"
    for command in echoed.commands:
        assert f"/api/v1/{command['command']}" in paths
