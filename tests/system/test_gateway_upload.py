"""Uploads: constant memory, refusals before the body, nothing left behind."""

import hashlib
import os
import subprocess

import pytest

from gateway_rig.fake_broker import TOKEN, Refusal, Silence
from gateway_rig.fixtures import bench, fake_broker, gateway, make_gateway, plugin, web  # noqa: F401
from harness.wait import until

pytestmark = pytest.mark.needs_no_plugin

DATA = os.urandom(200_000)
NAME = hashlib.sha256(DATA).hexdigest()
TARGET = "/api/v1/packages?productKey=pk1&version=2.0.0"


def begin(web, target=TARGET, length=len(DATA), **headers):
    """A line on which the header of an upload was sent and nothing more."""
    line = web.line()
    line.send(web.head("PUT", target, {"Content-Length": length, **{k.replace("_", "-"): v for k, v in headers.items()}}))
    return line


def test_upload_is_stored_under_its_digest_and_added(gateway, plugin, web):
    answer = web.put(TARGET + "&module=mcu&notes=two%20words", DATA)
    assert answer.status == 201
    assert answer.json["sha256"] == NAME
    assert gateway.packages() == [NAME]
    assert (gateway.package_dir / NAME).read_bytes() == DATA
    assert (gateway.package_dir / NAME).stat().st_mode & 0o777 == 0o644
    dry, real = plugin.asked("addPackage")
    assert dry["dryRun"] is True and "size" not in dry
    assert {key: real[key] for key in ("productKey", "module", "version", "notes", "size", "sha256", "md5", "token")} == {
        "productKey": "pk1", "module": "mcu", "version": "2.0.0", "notes": "two words", "size": len(DATA), "sha256": NAME,
        "md5": hashlib.md5(DATA).hexdigest(), "token": TOKEN}
    assert "dryRun" not in real


def test_plus_in_a_version_stays_a_plus(plugin, web):
    assert web.put("/api/v1/packages?productKey=pk1&version=1.0%2B5", DATA).status == 201
    assert web.put("/api/v1/packages?productKey=pk1&version=1.0+5", DATA).status == 201
    assert {each["version"] for each in plugin.asked("addPackage")} == {"1.0+5"}


def test_memory_stays_flat_while_64_mb_come(make_gateway):
    gateway = make_gateway("fresh").start().wait_broker()
    web = gateway.web()
    piece, pieces = os.urandom(1 << 20), 64
    before = gateway.resident_bytes()
    digest = hashlib.sha256()
    with begin(web, length=pieces * len(piece)) as line:
        for _ in range(pieces):
            line.send(piece)
            digest.update(piece)
        answer = line.answer()
    assert answer.status == 201 and answer.json["sha256"] == digest.hexdigest()
    grown = gateway.resident_bytes("VmHWM") - before
    assert grown < 2 << 20, f"{grown} bytes more at the peak"


def test_cut_upload_leaves_nothing(gateway, plugin, web):
    line = begin(web)
    until(lambda: gateway.packages(), "the temporary file exists")
    line.send(DATA[:100_000])
    line.close()
    until(lambda: not gateway.packages(), "the temporary file is gone")
    assert len(plugin.asked("addPackage")) == 1


def test_upload_cut_by_a_kill_is_swept_by_the_next_start(gateway, web):
    (gateway.package_dir / NAME).write_bytes(DATA)
    line = begin(web)
    until(lambda: len(gateway.packages()) == 2, "the temporary file exists")
    gateway.kill()
    line.close()
    assert len(gateway.packages()) == 2
    gateway.start()
    assert gateway.packages() == [NAME]


@pytest.mark.parametrize("expect", [{}, {"Expect": "100-continue"}], ids=["plain", "100-continue"])
def test_refusal_comes_before_the_body(gateway, plugin, web, expect):
    def refuse(_):
        raise Refusal("conflict", "version 2.0.0 exists", "version")
    plugin.answers["addPackage"] = refuse
    with begin(web, **expect) as line:
        answer = line.answer()
    assert answer.status == 409
    assert answer.json == {"error": {"code": "conflict", "message": "version 2.0.0 exists", "path": "version"}}
    assert gateway.packages() == []


def test_continue_is_sent_once_the_broker_agreed(plugin, web):
    with begin(web, Expect="100-continue") as line:
        assert line.answer().status == 100
        assert len(plugin.asked("addPackage")) == 1
        line.send(DATA)
        assert line.answer().status == 201


def test_broker_away_is_503_before_the_body(gateway, fake_broker, web):
    fake_broker.stop()
    with begin(web) as line:
        answer = line.answer()
    assert answer.status == 503
    assert answer.error[0] == "unavailable" and "broker" in answer.error[1]
    assert gateway.packages() == []


def test_silent_plugin_is_503_before_the_body(gateway, plugin, web):
    def silent(_):
        raise Silence
    plugin.answers["addPackage"] = silent
    with begin(web) as line:
        answer = line.answer()
    assert answer.status == 503 and "did not answer" in answer.error[1]
    assert answer.headers["Retry-After"] == "5"
    assert gateway.packages() == []


def test_broker_lost_during_the_body_is_503_and_the_upload_can_be_repeated(gateway, fake_broker, web):
    with begin(web) as line:
        until(lambda: gateway.packages(), "the body is awaited")
        fake_broker.stop()
        line.send(DATA)
        assert line.answer().status == 503
    fake_broker.start()
    gateway.wait_broker()
    assert web.put(TARGET, DATA).status == 201
    assert gateway.packages() == [NAME]


def test_given_digest_must_match(gateway, plugin, web):
    other = "0" * 64
    answer = web.put(f"{TARGET}&sha256={other}", DATA)
    assert answer.status == 400
    assert answer.json["error"]["path"] == "sha256" and NAME in answer.error[1]
    assert gateway.packages() == []
    assert len(plugin.asked("addPackage")) == 1
    assert web.put(f"{TARGET}&sha256={NAME}", DATA).status == 201


@pytest.mark.parametrize("target, path", [
    ("/api/v1/packages?productKey=pk1", "version"),
    ("/api/v1/packages?version=1", "productKey"),
    (TARGET + "&modul=x", "modul"),
    (TARGET + "&size=5", "size"),
    (TARGET + "&dryRun=true", "dryRun"),
    (TARGET + "&sha256=abc", "sha256"),
    ("/api/v1/packages?productKey=p_k&version=1", "productKey"),
    ("/api/v1/packages?productKey=pk1&version=a%22b", "version"),
])
def test_bad_query_is_400_and_names_the_field(gateway, plugin, web, target, path):
    with begin(web, target) as line:
        answer = line.answer()
    assert answer.status == 400
    assert answer.json["error"]["path"] == path
    assert plugin.asked("addPackage") == [] and gateway.packages() == []


def test_unknown_parameter_gets_a_hint(web):
    assert "module" in web.put(TARGET + "&modul=x", DATA).error[1]


def test_length_is_required(web):
    answer = web.request("PUT", TARGET, headers={"Transfer-Encoding": "chunked"})
    assert answer.status == 411
    assert answer.error[0] == "invalid"


def test_empty_package_is_refused(web):
    assert web.put(TARGET, b"").status == 400


def test_limit_of_the_configuration_is_413_before_the_body(make_gateway, plugin):
    web = make_gateway("small", upload_limit="64k").start().wait_broker().web()
    with begin(web, length=65537) as line:
        assert line.answer().status == 413
    assert plugin.asked("addPackage") == []
    assert web.put(TARGET, bytes(65536)).status == 201


@pytest.mark.parametrize("headers, status", [({"Authorization": ""}, 401), ({"Authorization": "Bearer nonsense"}, 401),
                                             ({"Authorization": "Bearer ota_" + "E" * 43}, 401)])
def test_without_a_good_token_nothing_is_read(gateway, web, headers, status):
    with begin(web, **headers) as line:
        answer = line.answer()
    assert answer.status == status
    assert answer.error[0] == "denied"
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert gateway.packages() == []


def test_idempotency_key_goes_with_both_commands(plugin, web):
    assert web.put(TARGET, DATA, Idempotency_Key="ci-7").status == 201
    dry, real = plugin.asked("addPackage")
    assert dry["requestId"] == real["requestId"] == "ci-7"


@pytest.mark.parametrize("expect", [{"Expect": "100-continue"}, {}], ids=["asking", "not asking"])
def test_upload_whose_answer_was_lost_is_answered_again_before_its_body(gateway, plugin, web, expect):
    """The plugin gives the answer it kept under the key, which has an id."""
    plugin.answers["addPackage"] = {"id": 7, "productKey": "pk1", "version": "2.0.0"}
    with begin(web, Idempotency_Key="ci-7", **expect) as line:
        answer = line.answer()
    assert (answer.status, answer.json["id"]) == (201, 7)
    assert gateway.packages() == []


def test_same_bytes_twice_are_one_file(gateway, web):
    assert web.put(TARGET, DATA).status == 201
    assert web.put(TARGET, DATA).status == 201
    assert gateway.packages() == [NAME]


@pytest.fixture
def small_disk(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root")
    path = tmp_path / "disk"
    path.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", path], capture_output=True, text=True)
    if mounted.returncode:
        pytest.skip(f"mounting a small disk is not possible here: {mounted.stderr.strip()}")
    yield path
    subprocess.run(["umount", "--lazy", path], check=True)


def test_full_disk_is_told_before_the_body_and_leaves_nothing(make_gateway, small_disk):
    gateway = make_gateway("full", package_dir=small_disk).start().wait_broker()
    with begin(gateway.web(), length=2 << 20) as line:
        answer = line.answer()
    assert answer.status == 413
    assert "No space left" in answer.error[1]
    assert gateway.packages() == []
    assert gateway.web().put(TARGET, DATA).status == 201
    gateway.stop()


def test_second_gateway_on_the_same_directory_does_not_start(gateway, make_gateway):
    second = make_gateway("second", package_dir=gateway.package_dir)
    with pytest.raises(AssertionError, match=str(gateway.process.pid)):
        second.start()
    second.process = None
