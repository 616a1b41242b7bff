"""The agent's disk is full: the operator reads so, the device runs on with what it has, and goes on when there is room."""

import os
import re
import subprocess

import pytest

from agent_fixtures import content, web  # noqa: F401
from harness.agent import PROGRAM, Agent
from harness.scenario import PRODUCT
from harness.wait import until

pytestmark = pytest.mark.skipif(not PROGRAM.exists(), reason=f"no agent at {PROGRAM}: build first")

NAME = "sensor-01"
OLD, NEW = b"image of 1.0.0", content(300_000, 2)


@pytest.fixture
def new_broker(new_broker, web):
    def make(*arguments, **more):
        return new_broker(*arguments, options={"gateway_url": web.url(""), **more.pop("options", {})}, **more)

    return make


def small_disk(path, kibibytes):
    """A file system of that size; skips where none may be mounted."""
    if os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root")
    path.mkdir(parents=True)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={kibibytes}k", "tmpfs", path], capture_output=True, text=True)
    if mounted.returncode:
        pytest.skip(f"mounting a small disk is not possible here: {mounted.stderr.strip()}")


def grow(path, kibibytes):
    """There is room again."""
    subprocess.run(["mount", "-o", f"remount,size={kibibytes}k", path], check=True)


@pytest.fixture(params=["state_dir", "slots_dir"])
def full(request, tmp_path, broker, web):
    """(agent, path of the disk, full directory): of the two this one has no room for the new image."""
    agent = Agent(tmp_path / "agent", broker.port, product_key=PRODUCT, device_name=NAME, download_tries=2)
    disk = tmp_path / "disk"
    small_disk(disk, 128)
    if request.param == "state_dir":
        agent.state = disk / "state"
        agent.keys["state_dir"] = agent.state
    else:
        agent.slots = disk / "slots"
        agent.slots.mkdir()
        agent.modules["default"]["slots_dir"] = agent.slots
    yield agent.provision(OLD, "1.0.0"), disk, disk / request.param.removesuffix("_dir")
    agent.close()
    subprocess.run(["umount", "--lazy", disk], check=True)


def test_full_disk_of_an_agent_is_told_and_the_next_attempt_succeeds(full, scenario, operator, web):
    agent, disk, directory = full
    agent.start()
    operator.wait_version(PRODUCT, NAME, "1.0.0")
    package = scenario.package("2.0.0", NEW)
    web.serve_prefix(f"/dl/{package['sha256']}", NEW)
    task = scenario.task(scenario.batch(package))["id"]
    failed = operator.wait_task(task, state="failed", timeout=30)
    assert failed["cause"] == "download_failed"
    said = re.fullmatch(r"download: \d+ bytes are needed, \d+ are free in (.*)", failed["desc"])
    assert said and str(directory).startswith(said[1]), failed["desc"]  # a long path is cut
    assert agent.running_image() == OLD
    agent.stop()
    agent.start()
    grow(disk, 2048)
    until(lambda: agent.log().count(" connected ") >= 2, "the agent to be back")
    again = scenario.task(scenario.batch(package))["id"]
    assert operator.wait_task(again, state="succeeded", timeout=30)["cause"] == "version_reported"
    assert agent.running_image() == NEW
