"""Secrets that the server makes: told once, kept by who asked, and in no file, log, event or process list of the server's."""

import base64
import csv
import json

import pytest

from gateway_rig import fixtures, whole
from gateway_rig.fake_broker import Refusal
from gateway_rig.fixtures import bench, fake_broker, gateway, make_gateway, plugin  # noqa: F401
from gateway_rig.whole import system  # noqa: F401
from harness.scenario import PRODUCT
from test_triple import SignedDevice, c4

otactl = whole.otactl
lone_otactl = fixtures.otactl
SECRETS_MAX = 400  # common/limits.h


@pytest.fixture
def making(plugin):
    """Makes a secret for every device it is asked to register."""
    plugin.answers["registerDevices"] = lambda asked: {
        "registered": len(asked["names"]), "already": 0,
        "devices": [{"deviceName": name, "deviceSecret": secret_of(name)} for name in asked["names"]]}
    plugin.answers["renewSecret"] = lambda asked: {"productKey": asked["productKey"], "deviceName": asked["deviceName"],
                                                   "deviceSecret": secret_of("renewed")}
    return plugin


def secret_of(name):
    return name.encode().hex().ljust(32, "0")[:32]


def rows(path):
    with open(path, newline="") as file:
        return [tuple(row) for row in csv.reader(file)]


HEADER = ("product_key", "device_name", "device_secret")
alone = pytest.mark.needs_no_plugin


@alone
def test_made_secrets_are_shown_or_written_never_both(making, lone_otactl, tmp_path):
    shown = lone_otactl.good("device", "add", "pk1", "a", "b", "--secrets")
    assert shown.splitlines() == ["registered     2", "already there  0", "", "secrets, shown only now:", "DEVICE  SECRET",
                                  f"a       {secret_of('a')}", f"b       {secret_of('b')}"]
    path = tmp_path / "made.csv"
    shown = lone_otactl.good("device", "add", "pk1", "c", "--secrets", "--out", path)
    assert shown.splitlines() == ["registered     1", "already there  0", f"secrets in     {path}"]
    assert rows(path) == [HEADER, ("pk1", "c", secret_of("c"))] and path.stat().st_mode & 0o777 == 0o600
    renewed = tmp_path / "renewed.csv"
    assert secret_of("renewed") not in lone_otactl.good("device", "renew-secret", "pk1", "c", "--out", renewed)
    assert rows(renewed) == [HEADER, ("pk1", "c", secret_of("renewed"))]
    assert f"secret, shown only now  {secret_of('renewed')}" in lone_otactl.good("device", "renew-secret", "pk1", "c")


@alone
def test_file_that_is_there_is_never_overwritten_and_nothing_is_asked(making, lone_otactl, tmp_path):
    path = tmp_path / "made.csv"
    path.write_text("precious")
    for words in (("device", "add", "pk1", "a", "--secrets"), ("device", "renew-secret", "pk1", "a")):
        result = lone_otactl(*words, "--out", path)
        assert result.code == 4 and "made.csv is there already" in result.err, result
    assert path.read_text() == "precious" and making.asked("registerDevices") == [] and making.asked("renewSecret") == []
    result = lone_otactl("device", "add", "pk1", "a", "--out", tmp_path / "x")
    assert result.code == 2 and "--out is for the secrets that --secrets makes" in result.err


@alone
def test_refused_command_leaves_no_file(making, lone_otactl, tmp_path):
    def refuse(_):
        raise Refusal("not_found", "product pk1 does not exist", "productKey")
    making.answers["registerDevices"] = refuse
    assert lone_otactl("device", "add", "pk1", "a", "--secrets", "--out", tmp_path / "made.csv").code == 3
    assert list(tmp_path.glob("made.csv")) == []


@alone
@pytest.mark.parametrize("to_file", [True, False], ids=["in a file", "shown"])
def test_what_was_told_before_a_failure_is_kept(making, lone_otactl, tmp_path, to_file):
    names = tmp_path / "names"
    names.write_text("".join(f"d{number}\n" for number in range(SECRETS_MAX + 1)))
    answer = making.answers["registerDevices"]

    def fail_later(asked):
        if len(asked["names"]) < SECRETS_MAX:
            raise Refusal("io", "the disk is full")
        return answer(asked)
    making.answers["registerDevices"] = fail_later
    path = tmp_path / "made.csv"
    result = lone_otactl("device", "add", "pk1", "-f", names, "--secrets", *(["--out", path] if to_file else []))
    assert result.code == 1 and f"after {SECRETS_MAX} devices: " in result.err, result.err
    kept = [row[1:] for row in rows(path)[1:]] if to_file else [tuple(line.split()) for line in result.out.splitlines()[5:]]
    assert kept == [(f"d{number}", secret_of(f"d{number}")) for number in range(SECRETS_MAX)]


class Canaries:
    """Every spelling of the secrets, looked for in everything the servers wrote."""

    def __init__(self):
        self.secrets = []

    def spellings(self):
        for secret in self.secrets:
            yield secret.encode()
            yield bytes.fromhex(secret)
            yield base64.b64encode(secret.encode()).rstrip(b"=")

    def found_in(self, content):
        return [spelling for spelling in self.spellings() if spelling in content]

    def check(self, *places):
        read = 0
        for place in places:
            for path in [place] if place.is_file() else [path for path in place.rglob("*") if path.is_file()]:
                read += 1
                assert not self.found_in(path.read_bytes()), f"a secret stands in {path}"
        assert read > 5


def test_made_secrets_work_and_stand_nowhere_on_the_server(system, otactl, tmp_path):  # noqa: F811
    broker, gateway = system  # noqa: F811
    broker.stop()
    broker.config.set_option("ota_device_auth", "triple").set_option("ota_log_level", "debug").set_option("ota_events", "on")
    broker.start()
    gateway.wait_broker()
    canaries = Canaries()
    with broker.client("listener") as listener:
        listener.subscribe("$CONTROL/ota/v1/events")
        otactl.good("product", "add", PRODUCT)
        told = json.loads(otactl.good("device", "add", PRODUCT, "d1", "d2", "--secrets", "--request-id", "r1", "-o", "json"))
        canaries.secrets += [device["deviceSecret"] for device in told["devices"]]
        assert otactl("device", "add", PRODUCT, "d1", "d2", "--secrets", "--request-id", "r1").code == 4
        renewed = json.loads(otactl.good("device", "renew-secret", PRODUCT, "d2", "--reason", "lost", "-o", "json"))
        canaries.secrets.append(renewed["deviceSecret"])
        assert len(set(canaries.secrets)) == 3
        with SignedDevice(broker, "d1", c4, canaries.secrets[0]) as device:
            device.inform("1.0.0")
        with SignedDevice(broker, "d2", c4, canaries.secrets[2]) as device:
            device.inform("1.0.0")
        otactl.good("server", "backup")
        logged = otactl.good("log", "-o", "jsonl")
        assert "secret_renewed" in logged and not canaries.found_in(logged.encode())
        assert not any(canaries.found_in(message.payload) for message in listener.messages("$CONTROL/ota/v1/events"))
        canaries.check(broker.home, broker.journal_dir, gateway.home)
        broker.stop()  # what was in memory only is written now
        canaries.check(broker.home, broker.journal_dir, gateway.home)
