"""ota-agent --once, and what it tells its service manager."""

import os
import socket
import subprocess
import time

import pytest

from agent_fixtures import agent, content, make_agent, plain_broker, pytestmark, server, web  # noqa: F401
from harness.wait import DEADLINE, until

NEW = content(100_000)


def once(agent, *more):
    """Starts it so; agent.wait() has the exit code."""
    command = agent.command
    agent.command = lambda *arguments: command("--once", "--settle", "600ms", *more, *arguments)
    return agent.start()


# --- once -----------------------------------------------------------------------------------------------------------------------


def test_once_with_nothing_to_do_ends_with_0(agent, server):
    once(agent)
    server.expect_inform(version="1.0.0")
    assert agent.wait() == 0


@pytest.mark.parametrize("restart, codes", [("reexec", [0]), ("exit", [10, 0])])
def test_once_takes_an_offer_and_ends_when_it_is_done(make_agent, server, web, restart, codes):
    """reexec: the new version comes up, is told, and ends. exit: whoever started it starts it again."""
    agent = make_agent(restart=restart).provision()
    once(agent)
    server.expect_inform(version="1.0.0")
    server.push("2.0.0", web.add("/new", NEW), NEW)
    assert agent.wait() == codes[0]
    if codes[0] == 10:
        assert agent.start().wait() == codes[1]
    server.expect_inform(version="2.0.0", batch=7)


def test_once_with_a_package_that_fails_ends_with_1_and_was_heard(agent, server, web):
    once(agent)
    server.expect_inform(version="1.0.0")
    server.push("2.0.0", web.url("/nowhere"), NEW)
    assert server.expect_progress(-2)["desc"] == "download: server answered 404"
    assert agent.wait() == 1


def test_once_with_an_offer_it_refuses_ends_with_1(agent, server, web):
    once(agent)
    server.expect_inform(version="1.0.0")
    server.push("2.0.0", web.url("/new"), NEW, module="radio")
    assert server.expect_progress(-1)["desc"] == "this device has no module radio"
    assert agent.wait() == 1


def test_once_canceled_by_the_server_ends_with_0(agent, server, web):
    once(agent)
    server.expect_inform(version="1.0.0")
    web.hold_at("/new", 50_000)
    server.push("2.0.0", web.add("/new", NEW), NEW)
    until(lambda: web.sent.get("/new", 0) == 50_000, "half the download")
    server.ask_cancel(7, 1)
    assert agent.wait() == 0


def test_once_without_a_broker_ends_at_its_timeout(agent, plain_broker):
    plain_broker.kill()
    once(agent, "--timeout", "1s")
    assert agent.wait() == 1
    assert "error timeout text=\"not connected: " in agent.log()
    plain_broker.start()


def test_once_in_a_long_download_ends_at_its_timeout_and_goes_on_the_next_time(agent, server, web):
    once(agent, "--timeout", "2s")
    server.expect_inform(version="1.0.0")
    web.hold_at("/new", 50_000)
    server.push("2.0.0", web.add("/new", NEW), NEW)
    assert agent.wait() == 1
    assert 'timeout text="downloading 2.0.0 (' in agent.log()
    web.hold_at("/new", None)
    assert agent.start().wait() == 0
    server.expect_inform(version="2.0.0")
    assert web.ranges("/new") == [None, "bytes=50000-"]


# --- the service manager --------------------------------------------------------------------------------------------------------


class Manager:
    """What systemd is to a program of Type=notify."""

    def __init__(self, home, watchdog_us=None):
        self.path = str(home / "notify")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.socket.settimeout(DEADLINE)
        self.environment = {"NOTIFY_SOCKET": self.path, **({"WATCHDOG_USEC": str(watchdog_us)} if watchdog_us else {})}

    def expect(self, words):
        """A word that begins so; what came before it is forgotten."""
        heard, end = [], time.monotonic() + DEADLINE
        while not heard or not heard[-1].startswith(words):
            assert time.monotonic() < end, f"not heard: {words}; but: {heard}"
            heard.append(self.socket.recv(4096).decode())

    def close(self):
        self.socket.close()


@pytest.fixture
def manager(tmp_path):
    made = Manager(tmp_path, 1_000_000)
    yield made
    made.close()


def test_the_manager_hears_what_the_agent_does(agent, server, web, manager):
    agent.environment = manager.environment
    agent.start()
    manager.expect("READY=1")
    manager.expect("STATUS=connected, waiting for updates")
    web.hold_at("/new", 50_000)
    server.expect_inform()
    server.push("2.0.0", web.add("/new", NEW), NEW)
    manager.expect("STATUS=downloading 2.0.0 (0 %)")
    manager.expect("STATUS=downloading 2.0.0 (50 %)")
    web.hold_at("/new", None)
    manager.expect("STATUS=waiting for the restart into 2.0.0")
    manager.expect("READY=1")  # the program that came up
    manager.expect("STATUS=connected, waiting for updates")
    agent.process.terminate()
    manager.expect("STOPPING=1")
    assert agent.wait() == 0


def test_ready_needs_no_broker(agent, plain_broker, manager):
    plain_broker.kill()
    agent.environment = manager.environment
    agent.start()
    manager.expect("READY=1")
    manager.expect("STATUS=not connected: cannot connect")
    agent.stop()
    plain_broker.start()


def test_pings_come_from_the_loop_that_works(agent, server, manager):
    """Twice a second for a watchdog of one; a process that is held, threads and all, is silent."""
    agent.environment = manager.environment
    agent.start()
    for _ in range(3):
        manager.expect("WATCHDOG=1")
    subprocess.run(["kill", "-STOP", str(agent.process.pid)], check=True)
    manager.socket.settimeout(1.2)
    try:
        while True:
            manager.socket.recv(4096)
    except socket.timeout:
        pass  # what was under way is through, and no ping follows
    subprocess.run(["kill", "-CONT", str(agent.process.pid)], check=True)
    manager.socket.settimeout(DEADLINE)
    manager.expect("WATCHDOG=1")


def test_hooks_do_not_speak_for_the_agent(make_agent, server, manager):
    agent = make_agent()
    agent.modules = {"default": {"installer": "exec", "command": agent.hook("hook", f"env >{agent.home}/env; echo 1.0.0")}}
    agent.environment = manager.environment
    agent.start()
    server.expect_inform(version="1.0.0")
    assert "NOTIFY_SOCKET" not in (agent.home / "env").read_text() and os.path.exists(manager.path)
