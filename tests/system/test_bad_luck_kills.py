"""kill -9 of broker, gateway and agent at each moment of an update. The agent is the real one, the download comes from the real
gateway over a line that can be held, so that the moment is known."""

import itertools
import json
import random
import time

import pytest

from agent_fixtures import content
from gateway_rig.process import PROGRAM as GATEWAY, Gateway
from harness.agent import PROGRAM as AGENT, Agent
from harness.scenario import PRODUCT, Scenario
from harness.wait import until
from harness.wire import Wire

pytestmark = pytest.mark.skipif(not AGENT.exists() or not GATEWAY.exists(), reason="no agent or gateway: build first")

NAME = "sensor-01"
OLD, NEW = b"image of 1.0.0", content(400_000, 2)
HALF = 200_000


class Stage:
    """Everything there is, and the moments of one update: each is waited for, and let go on when the next one is wanted."""

    def __init__(self, broker, home):
        self.broker = broker
        port = broker.reserve_port()
        self.gateway = Gateway(home / "gateway", f"mqtt://127.0.0.1:{broker.port}", listen=f"127.0.0.1:{port}",
                               package_dir=broker.package_dir)
        self.wire = Wire(port)
        self.agent = Agent(home / "agent", broker.port, product_key=PRODUCT, device_name=NAME, download_tries=100)
        self.go = home / "go"
        self.agent.modules["default"]["check"] = self.agent.hook("check", f"while [ ! -e {self.go} ]; do sleep 0.02; done")
        self.restart_go = home / "restart"
        self.agent.keys["restart"] = "hook:" + str(self.agent.hook(
            "restart", f"while [ ! -e {self.restart_go} ]; do sleep 0.02; done; kill -KILL $PPID"))
        self.operator = None
        self.batch = None

    def start(self):
        self.gateway.start()
        self.broker.config.set_option("ota_gateway_url", f"http://127.0.0.1:{self.wire.port}")
        self.broker.config.set_option("ota_url_key_file", self.gateway.key_file)
        self.broker.start()
        self.operator = self.broker.operator()
        scenario = Scenario(self.broker, self.operator, [NAME])
        self.agent.provision(OLD, "1.0.0").start()
        self.operator.wait_version(PRODUCT, NAME, "1.0.0")
        self.wire.hold_at(0)
        self.batch = scenario.batch(scenario.package("2.0.0", NEW), strategy={"pushTimeout": "1h", "rebootTimeout": "1h"})
        return self

    def task(self):
        return self.operator.task_of(self.batch["id"], NAME)

    def moments(self):
        """Yields the name of each moment while the update stands in it."""
        until(lambda: '"state":"fetch' in self.record() or "2.0.0" in self.record(), "the offer on the agent's disk")
        yield "offered"
        self.wire.hold_at(HALF)
        until(lambda: self.agent.part_size() > HALF / 2, "half the download on disk")
        yield "downloading"
        self.wire.hold_at(None)
        until((self.agent.slots / "b" / "manifest.json").exists, "the slot to be filled")
        yield "installing"
        self.go.touch()
        until(lambda: self.agent.current() == "b", "the switch to the new slot")
        yield "restarting"
        self.restart_go.touch()
        # A device that was killed here has restarted by that, and runs the new image.
        until(lambda: self.agent.process.poll() is not None or self.task()["state"] == "succeeded", "the restart")
        if self.agent.process.poll() is not None:
            self.agent.start()

    def record(self):
        path = self.agent.state / "state.json"
        return path.read_text() if path.exists() else ""

    def kill_broker(self):
        self.broker.restart(kill=True)
        self.operator.client.drop()
        self.operator.connect()

    def kill_gateway(self):
        self.gateway.kill()
        self.wire.cut()
        time.sleep(0.1)  # the agent meets a closed door first
        self.gateway.start()

    def kill_agent(self):
        self.agent.kill()
        self.agent.start()

    def close(self):
        self.go.touch()
        self.restart_go.touch()
        if self.agent.process and self.agent.process.poll() is None:
            self.agent.stop()
        self.wire.close()
        self.gateway.stop()


@pytest.fixture
def stage(new_broker, tmp_path):
    made = Stage(new_broker(options={"repush": "300ms", "repush_max": "1s"}), tmp_path).start()
    yield made
    made.close()


def check_success(stage):
    done = stage.operator.wait_task(stage.task()["id"], state="succeeded", timeout=30)
    assert (done["cause"], done["attempt"]) == ("version_reported", 1)
    assert stage.agent.running_image() == NEW


@pytest.mark.parametrize("victim", ["broker", "gateway", "agent"])
def test_kill_at_every_moment_of_an_update(stage, victim):
    """All of them in one update: it ends in its first attempt, on the new image."""
    met = []
    for moment in stage.moments():
        met.append(moment)
        getattr(stage, f"kill_{victim}")()
    assert met == ["offered", "downloading", "installing", "restarting"]
    check_success(stage)


def test_gateway_that_is_away_for_a_while_in_the_middle_of_a_download(stage):
    """Mid-download it vanishes, and comes back at the same place: the bytes that came are not fetched again."""
    for moment in stage.moments():
        if moment == "downloading":
            stage.gateway.kill()
            stage.wire.cut()
            until(lambda: stage.wire.refused >= 2, "the agent to find the door closed")
            came = stage.agent.part_size()
            stage.gateway.start()
    check_success(stage)
    assert stage.wire.passed < len(NEW) - came + 4096, "the rest, and what stood in the line"


def test_kills_at_random_moments_of_a_batch(stage):
    """Whoever is hit when: the update ends well."""
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    victims = itertools.cycle(chance.sample(["broker", "gateway", "agent"], 3))
    stage.wire.hold_at(None)
    stage.go.touch()
    stage.agent.keys["restart"] = "reexec"
    for _ in range(6):
        time.sleep(chance.uniform(0, 0.15))
        getattr(stage, f"kill_{next(victims)}")()
    stage.restart_go.touch()
    check_success(stage)


def test_kill_of_the_broker_while_a_batch_is_ordered(broker, operator, scenario):
    """An order that was cut off is asked again under its id: there is exactly one batch, whenever the kill came."""
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    for number in range(8):
        package = scenario.package(f"2.{number}.0")
        order = {"command": "createBatch", "token": operator.token, "package": package["id"], "kind": "verify",
                 "requestId": f"r{number}", "targets": {"names": ["sensor-01"]}, "onConflict": "skip"}
        killed_while(broker, operator, order, chance.uniform(0, 0.004))
        made = operator.ask_all([order])[0]["data"]
        batches = [each for each in operator.pages("listBatches", productKey=PRODUCT) if each["version"] == f"2.{number}.0"]
        assert [each["id"] for each in batches] == [made["id"]]


def killed_while(broker, operator, order, pause):
    operator.client.publish("$CONTROL/ota/v1", json.dumps({"commands": [order]}), qos=1, wait=False)
    time.sleep(pause)
    broker.restart(kill=True)
    operator.client.drop()
    operator.connect()
