"""The gateway under a service manager: Type=notify and WatchdogSec= of ota-gateway.service."""

import os
import signal
import socket

import pytest

from gateway_rig.fixtures import bench, fake_broker, make_gateway  # noqa: F401
from harness.wait import DEADLINE

pytestmark = pytest.mark.needs_no_plugin


class Manager:
    """The datagram socket of a service manager."""

    def __init__(self, path):
        self.path = str(path)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.socket.settimeout(DEADLINE)

    def hear(self, what):
        """Everything up to the message that is waited for."""
        heard = []
        while what not in heard:
            heard.append(self.socket.recv(4096).decode())
        return heard


@pytest.fixture
def manager(tmp_path, monkeypatch):
    manager = Manager(tmp_path / "notify")
    monkeypatch.setenv("NOTIFY_SOCKET", manager.path)
    monkeypatch.setenv("WATCHDOG_USEC", "200000")
    yield manager
    manager.socket.close()


def test_gateway_tells_when_it_serves_how_it_stands_and_that_it_stops(manager, make_gateway):
    gateway = make_gateway().start()
    heard = manager.hear("READY=1")
    assert [heard[0], heard[-2]] == ["STATUS=not connected to the broker yet", "STATUS=serving"]
    gateway.process.send_signal(signal.SIGTERM)
    manager.hear("STOPPING=1")


def test_gateway_without_a_broker_is_ready_to_serve_downloads(manager, make_gateway):
    make_gateway(broker="mqtt://127.0.0.1:1").start()
    assert "STATUS=serving downloads; the broker is away" in manager.hear("READY=1")


def test_gateway_tells_that_its_broker_is_away(manager, make_gateway, fake_broker):
    make_gateway().start()
    manager.hear("STATUS=serving")
    fake_broker.stop()
    manager.hear("STATUS=serving downloads; the broker is away")
    fake_broker.start()
    manager.hear("STATUS=serving")


def test_watchdog_is_pinged_by_the_loop_and_not_when_it_stands_still(manager, make_gateway):
    gateway = make_gateway().start()
    manager.hear("READY=1")
    for _ in range(3):
        manager.hear("WATCHDOG=1")
    os.kill(gateway.process.pid, signal.SIGSTOP)
    try:
        manager.socket.settimeout(0.5)  # two and a half times what the manager allows
        with pytest.raises(TimeoutError):
            while True:
                manager.hear("WATCHDOG=1")
    finally:
        os.kill(gateway.process.pid, signal.SIGCONT)
