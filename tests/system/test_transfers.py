"""What went through downloads: bytes and times of an attempt, told by the gateway, counted once, whatever broke off meanwhile."""

import json
import os
import socket
import urllib.parse
import urllib.request

import pytest

from gateway_rig.whole import otactl, system  # noqa: F401
from harness.device import Device
from harness.wait import DEADLINE, until

IMAGE = os.urandom(6_000_000)
PRODUCT = "pk1"


def asked(otactl, *words):
    return json.loads(otactl.good(*words, "-o", "json"))


@pytest.fixture
def device(system, otactl, tmp_path):
    """Pushed; its URL is device.url."""
    otactl.good("product", "add", PRODUCT)
    otactl.good("device", "add", PRODUCT, "s1")
    (tmp_path / "image.bin").write_bytes(IMAGE)
    package = asked(otactl, "package", "add", tmp_path / "image.bin", "-p", PRODUCT, "-v", "2.0")
    connected = Device(system[0], PRODUCT, "s1").connect()
    connected.inform("1.0")
    asked(otactl, "batch", "create", "--package", package["id"], "--kind", "verify", "-d", "s1")
    connected.url = connected.expect_push().data["url"]
    yield connected
    connected.close()


def fetch(url, **headers):
    method = headers.pop("method", "GET")
    request = urllib.request.Request(url, headers=headers, method=method)
    with urllib.request.urlopen(request, timeout=DEADLINE) as answer:
        return answer.read()


def attempt(otactl):
    return asked(otactl, "device", "show", PRODUCT, "s1")["tasks"][0]["attempts"][0]


def wait_bytes(otactl, wanted):
    return until(lambda: attempt(otactl) if attempt(otactl).get("bytes", 0) >= wanted else None, f"{wanted} bytes are told")


def test_bytes_and_the_end_of_a_download_are_told(otactl, device):
    fetch(device.url, method="HEAD")
    otactl.good("package", "verify", "-p", PRODUCT, "-v", "2.0")  # an operator's own look
    assert len(fetch(device.url, Range="bytes=0-999999")) == 1_000_000
    told = wait_bytes(otactl, 1)
    assert told["bytes"] == 1_000_000 and "fetchedAt" not in told
    assert len(fetch(device.url, Range="bytes=1000000-")) == 5_000_000
    told = wait_bytes(otactl, 1_000_001)
    assert told["bytes"] == len(IMAGE) and told["fetchedAt"] >= told["pushedAt"]
    task = asked(otactl, "device", "show", PRODUCT, "s1")["tasks"][0]
    assert task["state"] == "pushed", "a transfer moves no task"
    assert "5.7 MiB" in otactl.good("device", "show", PRODUCT, "s1")
    assert "5.7 MiB" in otactl.good("task", "show", task["id"])
    assert [each["event"] for each in asked(otactl, "device", "log", PRODUCT, "s1")].count("fetched") == 1


def test_of_a_download_that_broke_off_counts_what_arrived(otactl, device):
    url = urllib.parse.urlsplit(device.url)
    with socket.create_connection((url.hostname, url.port)) as line:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        line.sendall(f"GET {url.path}?{url.query} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        taken = 0
        while taken < 1_000_000:
            taken += len(line.recv(65536))
    told = wait_bytes(otactl, 1)
    assert taken - 1000 <= told["bytes"] < len(IMAGE) and "fetchedAt" not in told


def test_told_once_although_the_broker_was_away(system, otactl, device):
    broker, gateway = system
    url = device.url
    device.close()
    broker.kill()
    assert fetch(url) == IMAGE
    broker.start()
    gateway.wait_broker()
    told = wait_bytes(otactl, 1)
    assert told["bytes"] == len(IMAGE) and "fetchedAt" in told


def test_told_before_the_gateway_stops(system, device):
    """Reports gather for a second; a stop does not wait that long, and takes them along."""
    broker, gateway = system
    assert fetch(device.url) == IMAGE
    gateway.stop()
    with broker.operator() as operator:
        task = operator.ask("getDevice", productKey=PRODUCT, deviceName="s1")["tasks"][0]
        assert task["attempts"][0]["bytes"] == len(IMAGE)
