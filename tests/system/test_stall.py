"""While the store stands still (here: another process holds SQLite's write lock) the broker goes on, and what it acknowledged is
kept.
"""

import random
import sqlite3
import time
from contextlib import contextmanager

import pytest

from harness.control import CommandError
from harness.scenario import PRODUCT
from harness.wait import until

OLD = "1.0.0"
MODULES = [f"m{number:02}" for number in range(15)]


@contextmanager
def locked(broker):
    """Nobody writes to the store meanwhile."""
    store = sqlite3.connect(broker.store_dir / "ota.db", isolation_level=None)
    store.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        store.execute("ROLLBACK")
        store.close()


def slowest_trip(client, trips=50):
    """The longest of some round trips of a foreign message, in seconds."""
    longest = 0.0
    for _ in range(trips):
        start = time.monotonic()
        client.publish("foreign", "x")
        client.expect("foreign")
        longest = max(longest, time.monotonic() - start)
    return longest


@pytest.fixture
def foreign(broker):
    with broker.client("foreign") as client:
        client.subscribe("foreign", qos=0)
        yield client


def test_reports_are_acknowledged_and_foreign_traffic_flows(broker, operator, scenario, foreign):
    device = scenario.device(version=OLD)
    with locked(broker):
        for module in MODULES:
            device.inform("7.7", module=module)  # waits for the PUBACK
        assert slowest_trip(foreign) < 1.0
    for module in MODULES:
        operator.wait_version(PRODUCT, "sensor-01", "7.7", module=module)


def test_reports_acknowledged_meanwhile_survive_a_kill(broker, operator, scenario):
    device = scenario.device(version=OLD)
    with locked(broker):
        for module in MODULES:
            device.inform("7.7", module=module)
        broker.kill()
    broker.start()
    operator.connect()
    for module in MODULES:
        operator.wait_version(PRODUCT, "sensor-01", "7.7", module=module)


def test_kills_during_the_replay_lose_nothing(broker, operator, make_scenario):
    """Whoever kills the broker again and again while it replays must not make it believe that a record brings it down."""
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    names = [f"d{number:02}" for number in range(30)]
    scenario = make_scenario(*names)
    devices = [scenario.device(name) for name in names]
    with locked(broker):
        for module in MODULES:
            for device in devices:
                device.inform("7.7", module=module, qos=0)
        for device in devices:
            device.client.fence()
        broker.kill()
    for _ in range(15):
        broker.start_and_kill(chance.uniform(0.005, 0.06))
    broker.start()
    operator.connect()
    expected = {name: dict.fromkeys(MODULES, "7.7") for name in names}

    def inventory():
        devices_told = operator.pages("listDevices", productKey=PRODUCT)
        return {each["deviceName"]: {row["module"]: row["version"] for row in each["modules"]} for each in devices_told}

    until(lambda: inventory() == expected, "every acknowledged version in the inventory")
    assert "quarantine" not in " ".join(path.name for path in broker.journal_dir.iterdir())


def test_no_timer_overtakes_a_report_that_waits_for_the_store(broker, operator, make_scenario):
    """More reports than one transaction takes wait in front of the one that was heard in time."""
    scenario = make_scenario("patient", "loud")
    patient, loud = (scenario.device(name, OLD) for name in ("patient", "loud"))
    batch = scenario.batch(scenario.package("2.0.0"), ["patient"], strategy={"pushTimeout": "2s"})
    patient.expect_push()
    task = scenario.task(batch, "patient")["id"]
    with locked(broker):
        pushed = time.monotonic()
        for number in range(700):
            loud.inform(f"5.{number}", module=MODULES[number % len(MODULES)], qos=0)
        loud.client.fence()
        patient.progress(10)
        if time.monotonic() > pushed + 1.5:
            pytest.skip("this machine is too slow to tell the report from the timer")
        until(lambda: time.monotonic() > pushed + 2.5, "the push timer to be over by the clock")

    def told():
        try:
            return operator.ask("getTask", task=task)
        except CommandError:
            return None  # the store does not work again yet

    until(lambda: (told() or {}).get("step") == 10, "the report that waited")
    assert (told()["state"], told()["attempt"]) == ("upgrading", 1)


def test_last_report_wins_across_the_kill(broker, operator, scenario):
    """Replayed in their order, at their own times."""
    device = scenario.device(version=OLD)
    with locked(broker):
        for number in range(30):
            device.inform(f"3.{number}")
        broker.kill()
    broker.start()
    operator.connect()
    operator.wait_version(PRODUCT, "sensor-01", "3.29")


def test_command_waits_and_is_answered_afterwards(broker, operator, foreign):
    with locked(broker):
        operator.client.publish("$CONTROL/ota/v1",
                                '{"commands":[{"command":"createProduct","token":"%s","productKey":"late"}]}' % operator.token, 1)
        assert slowest_trip(foreign) < 1.0
    assert b'"late"' in operator.client.expect("$CONTROL/ota/v1/response").payload


def test_broker_stops_cleanly_while_the_store_stands_still(broker, scenario):
    device = scenario.device(version=OLD)
    with locked(broker):
        device.inform("7.7")
        broker.stop(30)
