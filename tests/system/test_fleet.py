"""A whole fleet at once, over one epoll loop: every device is pushed once, every task ends, every counter is right."""

import json

import pytest

from harness import packets
from harness.killing import recount
from harness.scenario import PRODUCT, Scenario
from harness.swarm import Swarm
from harness.wait import until

OLD, NEW = "1.0.0", "2.0.0"


class Member:
    """Informs, and upgrades at once when it is pushed; every tenth cannot."""

    def __init__(self, number, pushes):
        self.name = f"d{number:05}"
        self.broken = number % 10 == 0
        self.pushes = pushes
        self.hello = packets.connect(f"{PRODUCT}.{self.name}|securemode=3|", f"{self.name}&{PRODUCT}", "secret")

    def on_connack(self, link, code):
        assert code == 0, f"{self.name} was refused: {code}"
        self._say(link, "inform", version=OLD)

    def on_packet(self, link, packet):
        if packet.kind != packets.PUBLISH:
            return
        self.pushes.append((self.name, json.loads(packets.read_publish(packet).payload)["data"]["version"]))
        self._say(link, "progress", step="-1" if self.broken else "100")
        if not self.broken:
            self._say(link, "inform", version=NEW)

    def on_closed(self, link):
        raise AssertionError(f"{self.name}: closed by the broker")

    def _say(self, link, verb, **params):
        payload = json.dumps({"id": "1", "params": params})
        link.send(packets.publish(f"/ota/device/{verb}/{PRODUCT}/{self.name}", payload, 1, 1))


def run_fleet(broker, operator, size):
    scenario = Scenario(broker, operator, [f"d{number:05}" for number in range(size)])
    pushes = []
    with Swarm(broker.port) as swarm:
        swarm.connect_all([Member(number, pushes) for number in range(size)])

        def informed():
            swarm.turn(0.01)
            return operator.ask("versionDistribution", productKey=PRODUCT)["versions"] == [{"version": OLD, "count": size}]

        until(informed, "every device to have informed", 60)
        batch = scenario.batch(scenario.package(NEW), None)
        swarm.run_until(lambda: len(pushes) >= size, "every device to be pushed", 60)

        def ended():
            swarm.turn(0.01)
            told = operator.ask("getBatch", batch=batch["id"])
            return told if told["state"] == "completed" else None

        done = until(ended, "the batch to end", 60)
    return done, pushes


def check_fleet(operator, done, pushes, size):
    assert sorted(name for name, _ in pushes) == [f"d{number:05}" for number in range(size)], "each device is pushed once"
    broken = size // 10
    assert done["counts"]["succeeded"] == size - broken
    assert done["counts"]["failed"] == broken
    assert done["causes"] == {"version_reported": size - broken, "upgrade_failed": broken}
    assert recount(operator, done["id"]) == []


def test_fleet_of_five_hundred(broker, operator):
    done, pushes = run_fleet(broker, operator, 500)
    check_fleet(operator, done, pushes, 500)


@pytest.mark.slow
def test_fleet_of_ten_thousand(broker, operator):
    done, pushes = run_fleet(broker, operator, 10000)
    check_fleet(operator, done, pushes, 10000)
