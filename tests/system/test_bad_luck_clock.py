"""Wall clocks that step while a batch runs: by a second, by a day, to 1970 and to 2038; of the broker, of the gateway, of the
agent. The engine's own tests (tests/unit/plugin/fleet/test_luck.c) take the same clocks through every state."""

import os
import signal
import time

import pytest

from agent_fixtures import content, web  # noqa: F401
from gateway_rig.fake_broker import TOKEN
from gateway_rig.process import PROGRAM as GATEWAY, Gateway, signed
from harness import sanitizer
from harness.agent import PROGRAM as AGENT, Agent
from harness.faketime import LIBRARIES, Clock
from harness.scenario import PRODUCT, Scenario
from harness.wait import until

pytestmark = [
    pytest.mark.skipif(not LIBRARIES, reason="no libfaketime: make deps"),
    pytest.mark.skipif(sanitizer.chosen() is not None, reason="sanitizers want to be loaded first"),
]

DAY = 86400
FAR = [("a second fast", 1), ("a second slow", -1), ("a day fast", DAY), ("a day slow", -DAY), ("1970", None), ("2038", None)]
YEARS = {"1970": 60, "2038": 2 ** 31 + 60}


def move(clock, name, seconds):
    if seconds is None:
        clock.move_to(YEARS[name])
    else:
        clock.move(seconds)


def test_steps_of_the_brokers_clock_move_no_task(new_broker, tmp_path):
    """One batch through all of them: who downloads goes on, who is away waits, and the end is as if no clock had moved."""
    clock = Clock(tmp_path)
    broker = new_broker()
    broker.environment = clock.environment
    broker.start()
    with broker.operator() as operator:
        scenario = Scenario(broker, operator, ["busy", "absent"])
        busy = scenario.device("busy", "1.0.0")
        batch = scenario.batch(scenario.package("2.0.0"), ["busy", "absent"])
        busy.expect_push()
        for step, (name, seconds) in enumerate(FAR, 1):
            move(clock, name, seconds)
            busy.progress(10 * step)
            operator.wait_task(scenario.task(batch, "busy")["id"], state="upgrading", step=10 * step)
            assert scenario.task(batch, "absent")["state"] == "pending", name
        clock.move(0)
        busy.progress(100).inform("2.0.0")
        operator.wait_task(scenario.task(batch, "busy")["id"], state="succeeded", cause="version_reported")
        scenario.device("absent", "1.0.0").expect_push()
        assert "clock_stepped by_ms=" in broker.log()
        scenario.close()


def test_a_broker_that_stood_still_blames_nobody(broker, operator):
    """A machine that slept, a virtual machine that was moved: what its devices could not tell it in that time is not held against
    them. The device has 5 s for its upgrade and is not heard for 7."""
    scenario = Scenario(broker, operator)
    device = scenario.device("sensor-01", "1.0.0")
    task, _ = scenario.pushed(device, scenario.package("2.0.0"), strategy={"upgradeTimeout": "5s"})
    device.progress(10)
    operator.wait_task(task["id"], state="upgrading", step=10)
    os.kill(broker.process.pid, signal.SIGSTOP)
    time.sleep(7)
    os.kill(broker.process.pid, signal.SIGCONT)
    operator.ask("getServer")
    assert operator.ask("getTask", task=task["id"])["state"] == "upgrading"
    device.progress(100).inform("2.0.0")
    operator.wait_task(task["id"], state="succeeded", cause="version_reported", attempt=1)
    scenario.close()


@pytest.mark.skipif(not GATEWAY.exists(), reason=f"no gateway at {GATEWAY}: build first")
def test_steps_of_the_gateways_clock_end_no_download_for_good(tmp_path):
    """A link lives a day. A gateway that is ahead of it says so with a sentence, one that is behind serves, and once the clock is
    right again so is the link."""
    clock = Clock(tmp_path)
    gateway = Gateway(tmp_path / "gateway", "mqtt://127.0.0.1:1")
    gateway.environment = clock.environment
    gateway.start()
    try:
        path = signed(gateway.put_package(b"image"), expires=int(time.time()) + DAY - 60)
        for name, seconds in FAR:
            move(clock, name, seconds)
            answer = gateway.web(TOKEN).get(path)
            late = name in ("a day fast", "2038")
            assert answer.status == (403 if late else 200), name
            assert not late or "expired" in answer.error[1]
        clock.move(0)
        assert gateway.web(TOKEN).get(path).body == b"image"
    finally:
        gateway.stop()


@pytest.mark.skipif(not AGENT.exists(), reason=f"no agent at {AGENT}: build first")
def test_steps_of_the_agents_clock_change_nothing(new_broker, tmp_path, web):
    """A device without a battery-backed clock starts in 1970, and is somewhere else in the middle of a download."""
    clock = Clock(tmp_path)
    clock.move_to(YEARS["1970"])
    broker = new_broker(options={"gateway_url": web.url("")}).start()
    agent = Agent(tmp_path / "agent", broker.port, product_key=PRODUCT, device_name="sensor-01")
    agent.environment = clock.environment
    image = content(100_000)
    with broker.operator() as operator:
        scenario = Scenario(broker, operator)
        agent.provision().start()
        operator.wait_version(PRODUCT, "sensor-01", "1.0.0")
        package = scenario.package("2.0.0", image)
        web.serve_prefix(f"/dl/{package['sha256']}", image)
        web.hold_at("/dl/", 10_000)
        batch = scenario.batch(package)
        for number, (name, seconds) in enumerate(FAR, 1):
            move(clock, name, seconds)
            web.hold_at("/dl/", 10_000 * (number + 1))
            until(lambda: agent.part_size() >= 10_000 * (number + 1), f"the download to go on, {name}")
        web.hold_at("/dl/", None)
        done = operator.wait_task(scenario.task(batch)["id"], state="succeeded")
        assert (done["cause"], done["attempt"]) == ("version_reported", 1)
    agent.close()
