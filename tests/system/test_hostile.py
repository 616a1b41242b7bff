"""Each attack of harness/attacks.py for a moment: the broker lives, what the others report is applied, the log says who it was,
and memory stays bounded. `make bench BENCH=hostile` measures what the others feel.
"""

import itertools
import json

import pytest

from harness import packets, sanitizer
from harness.attacks import ATTACKS, SECRET, Attackers
from harness.broker import Broker
from harness.device import Device
from harness.scenario import PRODUCT
from harness.wait import until
from sdk.connect import c4
from soak import memory

GOOD = ("d0001", "d0002", "d0003")
ROUNDS = 5                   # of reports of each of them under attack
GROWTH_KIB = 24 * 1024       # of the broker's own memory under all attacks; SQLite's cache is in it
_serial = itertools.count()


class SignedDevice(Device):
    def connect(self, **more):
        client_id, password = c4(self.name, SECRET)
        self.client = self.broker.client(client_id, self.username, password, **more).connect()
        return self


@pytest.fixture(scope="module")
def besieged(tmp_path_factory):
    """A broker that goes through all attacks, with its operator and well-behaved devices."""
    with Broker(tmp_path_factory.mktemp("besieged"), options={"device_auth": "triple"}) as broker, broker.operator() as operator:
        operator.ask("createProduct", productKey=PRODUCT)
        evil = [f"evil-{number}" for number in range(2 * len(ATTACKS))]
        operator.ask("importDevices", productKey=PRODUCT,
                     devices=[{"deviceName": name, "secret": SECRET} for name in (*GOOD, *evil)])
        devices = [SignedDevice(broker, PRODUCT, name).connect() for name in GOOD]
        before = memory.read(broker.process).anonymous
        yield broker, operator, devices
        if not sanitizer.chosen():  # which keeps what was freed
            assert memory.read(broker.process).anonymous - before < GROWTH_KIB
        for device in devices:
            device.close()


@pytest.mark.parametrize("name", ATTACKS)
def test_attack_hurts_nobody_else(besieged, name):
    broker, operator, devices = besieged
    attack, serial, logged = ATTACKS[name], next(_serial), len(broker.log())
    with Attackers(attack, broker.port, [f"evil-{2 * serial}", f"evil-{2 * serial + 1}"]) as attackers:
        attackers.go()
        attackers.wait_busy()
        for number in range(ROUNDS):
            for device in devices:
                device.inform(f"{serial}.{number}")
        for device in devices:
            operator.wait_version(PRODUCT, device.name, f"{serial}.{ROUNDS - 1}")
        if attack.log:
            until(lambda: attack.log in broker.log()[logged:], f"{attack.log} in the broker's log")
    broker.check_alive()


def test_device_that_floods_is_named_and_comes_back_to_nothing(besieged):
    broker = besieged[0]
    lines = [line for line in broker.log().split("\n") if "device_floods" in line]
    assert lines and all("username=evil-" in line for line in lines), lines


@pytest.mark.usefixtures("takes_sessions_over")
def test_of_six_hundred_steps_a_second_the_last_one_is_shown(operator, scenario):
    """C 4.x on chunked replies (aliyun-ota.md 0.12)."""
    device = scenario.device(version="1.0.0")
    task, _ = scenario.pushed(device, scenario.package("2.0.0"))
    steps = [json.dumps({"id": str(number), "params": {"step": str(number // 10), "desc": ""}}) for number in range(605)]
    device.client.socket.sendall(b"".join(packets.publish(device.topic("progress"), each) for each in steps))
    operator.wait_task(task["id"], state="upgrading", step=60)
    shown = [each for each in operator.ask("listEvents", task=task["id"])["items"] if each["event"] == "progress"]
    assert len(shown) < 40, f"{len(shown)} of 605 steps were written"
    device.progress(100, qos=0).inform("2.0.0")
    operator.wait_task(task["id"], state="succeeded")
