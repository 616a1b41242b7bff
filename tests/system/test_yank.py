"""A package taken back: what was on its way ends, nothing more is sent, and a kill -9 changes nothing of that."""

import pytest

from harness.scenario import PRODUCT, Scenario
from harness.wait import until

DEVICES = [f"d{number:04}" for number in range(3000)]


def yank(operator, package, **members):
    return operator.ask("yankPackage", package=package["id"], **members)


def test_package_in_use_is_yanked_with_force_alone(operator, scenario):
    device = scenario.device(version="1.0.0")
    package = scenario.package("2.0.0")
    task, _ = scenario.pushed(device, package)
    refused = operator.refused("yankPackage", package=package["id"])
    assert (refused.code, refused.path) == ("conflict", "force")
    assert "unfinished tasks 1, open batches 1" in refused.message
    assert yank(operator, package, force=True, reason="bricks")["status"] == "yanked"
    operator.wait_task(task["id"], state="canceled", cause="package_yanked")
    assert device.pull() == {"id": "123", "code": 200, "data": {}}
    device.client.drop()
    device.connect().inform("1.0.0")
    operator.wait_version(PRODUCT, device.name, "1.0.0")
    device.no_push(0.5)
    assert [event["detail"] for event in operator.events() if event["event"] == "package_yanked"] == [
        "2.0.0 of module default, unfinished tasks 1, open batches 1: bricks"]


@pytest.mark.parametrize("kills", [2])
def test_walk_through_a_big_batch_survives_kills(broker, kills):
    with broker.operator() as operator:
        scenario = Scenario(broker, operator, devices=DEVICES)
        device = scenario.device(DEVICES[0], version="1.0.0")
        package = scenario.package("2.0.0")
        batch = scenario.batch(package, names=None, kind="static", override=True, reason="a test")
        device.expect_push()
        yank(operator, package, force=True)
    scenario.close()
    for _ in range(kills):
        broker.restart(kill=True)
    with broker.operator() as operator:
        def ended():
            counts = operator.ask("getBatch", batch=batch["id"])
            return counts if counts["counts"]["canceled"] == len(DEVICES) else None
        done = until(ended, "every task is canceled")
        assert done["causes"] == {"package_yanked": len(DEVICES)} and done["state"] == "canceled"
        assert operator.ask("getPackage", package=package["id"])["status"] == "yanked"
        device = scenario.device(DEVICES[0])
        assert device.pull()["data"] == {}
        device.close()
