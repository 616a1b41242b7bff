"""ota-agent under kill -9, SIGTERM, lost connections, and large images."""

import random
import signal
import struct
import time
from pathlib import Path

import pytest

from agent_fixtures import agent, content, make_agent, plain_broker, pytestmark, server, web  # noqa: F401
from harness import places, sanitizer
from harness.wait import until

NEW = content(400_000)
HALF = 200_000


def begin(agent, server, web, hold_at=HALF):
    """A download that waits at half."""
    agent.start()
    server.expect_inform(version="1.0.0")
    web.hold_at("/new", hold_at)
    server.push("2.0.0", web.add("/new", NEW), NEW)
    until(lambda: agent.part_size() == hold_at, "half the download on disk")


def test_a_killed_download_goes_on_where_it_was(agent, server, web):
    begin(agent, server, web)
    agent.kill()
    web.hold_at("/new", None)
    agent.start()
    server.expect_inform(version="2.0.0", batch=7, attempt=1)
    assert web.ranges("/new") == [None, f"bytes={HALF}-"]
    assert agent.running_image() == NEW


def test_a_url_that_went_bad_meanwhile_fails_the_attempt(agent, server, web):
    begin(agent, server, web)
    agent.kill()
    web.answers["/new"] = 403
    agent.start()
    server.expect_inform(version="1.0.0")
    assert server.expect_progress(-2)["desc"] == "download: server answered 403"
    web.answers.clear()
    web.hold_at("/new", None)
    server.push("2.0.0", web.url("/new"), NEW, attempt=2)
    server.expect_inform(version="2.0.0", attempt=2)
    assert web.ranges("/new")[-1] == f"bytes={HALF}-", "what was there is not fetched again"


def test_a_download_that_kills_the_device_is_given_up(agent, server, web):
    begin(agent, server, web)
    for _ in range(5):
        agent.kill()
        agent.start()
        server.expect_inform(version="1.0.0")
    assert server.expect_progress(-1)["desc"] == "gave up after 5 starts"


def test_sigterm_ends_quickly_and_the_download_goes_on_later(agent, server, web):
    begin(agent, server, web)
    began = time.monotonic()
    assert agent.stop() == 0
    assert time.monotonic() - began < 4
    web.hold_at("/new", None)
    agent.start()
    server.expect_inform(version="2.0.0")
    assert web.ranges("/new")[-1] == f"bytes={HALF}-"


def test_a_killed_installation_is_run_again(make_agent, server, web):
    agent = make_agent()
    agent.modules["default"]["check"] = agent.hook("check", f'[ -e {agent.home}/go ] || exec sleep 60')
    agent.provision().start()
    server.expect_inform(version="1.0.0")
    server.push("2.0.0", web.add("/new", NEW), NEW)
    server.expect_progress(100)
    until((agent.slots / "b" / "manifest.json").exists, "the slot to be filled")
    agent.kill()
    (agent.home / "go").touch()
    agent.start()
    server.expect_inform(version="2.0.0")
    assert len(web.ranges("/new")) == 1, "the bytes were there"
    assert [step for step in server.steps() if step < 0] == []


def test_the_old_version_is_not_told_between_delivery_and_end(make_agent, server, web, plain_broker):
    """A server that hears the old version from a new process after a delivery must take it for a roll-back."""
    agent = make_agent()
    agent.modules["default"]["check"] = agent.hook("check", f'[ -e {agent.home}/go ] || exec sleep 60')
    agent.provision().start()
    server.expect_inform(version="1.0.0")
    server.push("2.0.0", web.add("/new", NEW), NEW)
    server.expect_progress(100)
    agent.kill()
    agent.start()
    until(lambda: agent.log().count(" connected ") == 2, "the second connection")
    (agent.home / "go").touch()
    agent.kill()
    agent.start()
    assert server.expect_inform()["version"] == "2.0.0"


def test_a_negative_nobody_heard_is_said_after_a_restart(agent, server, web, plain_broker):
    begin(agent, server, web)
    plain_broker.kill()
    web.answers["/new"] = 404
    agent.wait_log("not_connected")
    agent.kill()
    agent.start()
    agent.wait_log("task_failed")
    agent.kill()
    plain_broker.start()
    server.reconnect(plain_broker)
    agent.start()
    assert server.expect_progress(-2)["desc"] == "download: server answered 404"
    server.expect_inform(version="1.0.0")
    until(lambda: '"pending":false' in (agent.state / "state.json").read_text(), "the acknowledgement on disk")
    agent.stop()
    agent.start()
    server.expect_inform(version="1.0.0")
    assert server.steps() == [], "once it was heard"


def test_a_download_does_not_need_the_broker(agent, server, web, plain_broker):
    begin(agent, server, web)
    plain_broker.kill()
    web.hold_at("/new", None)
    until(lambda: (agent.slots / "current").exists() and agent.current() == "b", "the installation")
    plain_broker.start()
    server.reconnect(plain_broker)
    server.expect_inform(version="2.0.0")


def test_a_state_that_cannot_be_read_is_set_aside(agent, server):
    agent.state.mkdir()
    (agent.state / "state.json").write_text('{"format":1,"task":')
    agent.start()
    server.expect_inform(version="1.0.0")
    assert (agent.state / "state.json.unreadable").exists()


@pytest.mark.parametrize("seed", range(6))
def test_kills_at_random_moments_end_in_the_new_version(agent, server, web, seed):
    """At most four kills, so that the brake of five starts does not act. Whatever is hit, the device ends on the new version and
    never runs less than a whole image.
    """
    moments = random.Random(seed)
    agent.start()
    server.expect_inform(version="1.0.0")
    server.push("2.0.0", web.add("/new", NEW), NEW)
    for _ in range(moments.randint(1, 4)):
        time.sleep(moments.uniform(0, 0.25))
        agent.kill()
        assert agent.running_image() in (b"image of 1.0.0", NEW)
        agent.start()
    server.expect_inform(version="2.0.0", timeout=30)
    assert agent.running_image() == NEW


POWER_CUT = places.BUILD / "tests" / "unit" / "agent" / "power_cut.so"


class PowerCut:
    """Kills the agent right before its n-th change on disk (tests/unit/agent/power_cut.c)."""

    def __init__(self, agent, count):
        self.path = agent.home / "power_cut"
        self.path.write_bytes(struct.pack("q", count))
        agent.environment = {"LD_PRELOAD": str(POWER_CUT), "OTA_POWER_CUT": str(self.path)}

    def left(self):
        return struct.unpack("q", self.path.read_bytes())[0]


def power_cut_at(make_agent, server, web, count):
    """One update with a cut before the count-th change on disk. The server pushes whenever it hears the old version, as ours
    does. False when the update had less changes than that.
    """
    agent = make_agent(f"agent-{count}").provision()
    cut = PowerCut(agent, count)
    url = web.add("/new", NEW)
    agent.start()
    end = time.monotonic() + 30
    while server.hear_inform(0.02) != "2.0.0":
        assert time.monotonic() < end, agent.log()
        if server.heard == "1.0.0":
            server.push("2.0.0", url, NEW)
        if agent.process.poll() is not None:
            assert agent.wait() == -signal.SIGKILL, agent.log()
            assert agent.running_image() in (b"image of 1.0.0", NEW)
            agent.start()
    assert agent.running_image() == NEW
    assert [step for step in server.steps() if step < 0] == []
    agent.close()
    return cut.left() <= 0


needs_power_cut = pytest.mark.skipif(not POWER_CUT.exists(), reason="sanitizers want to be loaded first")


@needs_power_cut
@pytest.mark.parametrize("count", [2, 12, 22, 32, 42, 52, 62])
def test_a_power_cut_before_a_change_on_disk(make_agent, server, web, count):
    power_cut_at(make_agent, server, web, count)


@pytest.mark.slow
@needs_power_cut
def test_a_power_cut_before_every_change_on_disk(make_agent, server, web):
    count = 1
    while power_cut_at(make_agent, server, web, count):
        count += 1
    print(f"{count - 1} changes on disk in an update")
    assert count > 20


def memory_of(pid):
    """RssAnon and VmRSS in KiB."""
    words = {line.split(":")[0]: line.split()[1] for line in Path(f"/proc/{pid}/status").read_text().split("\n")
             if ":" in line and len(line.split()) > 1}
    return int(words["RssAnon"]), int(words["VmRSS"])


def peak_of_update(agent, server, web, size, batch):
    image = content(size, batch)
    path = f"/{size}"
    server.push(f"{batch}.0.0", web.add(path, image), image, batch=batch)
    peak = (0, 0)
    while agent.process.poll() is None:
        try:
            peak = max(peak, memory_of(agent.process.pid))
        except (OSError, KeyError, ValueError):
            pass
        time.sleep(0.002)
    assert agent.wait() == 10
    agent.start()
    server.expect_inform(version=f"{batch}.0.0", timeout=30)
    return peak


@pytest.mark.skipif(sanitizer.chosen() is not None, reason="sanitizers have their own memory")
def test_memory_stays_flat_whatever_the_size(make_agent, server, web):
    agent = make_agent(restart="exit").provision().start()
    server.expect_inform(version="1.0.0")
    small = peak_of_update(agent, server, web, 3 << 20, 2)
    large = peak_of_update(agent, server, web, 64 << 20, 3)
    print(f"RssAnon/VmRSS KiB: 3 MiB {small}, 64 MiB {large}")
    assert large[0] < 4 << 10 and large[1] < 16 << 10
    assert large[0] - small[0] < 512
