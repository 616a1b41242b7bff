"""Document 004 in one go, for tests that care about where it is played rather than about each step."""

import json

from .scenario import PRODUCT, Scenario

OLD, NEW = "1-45-345a", "1-45-345b"


def play(broker, operator, name="sensor-01"):
    """From inform to succeeded, with a reconnect in the middle; returns the task."""
    scenario = Scenario(broker, operator, [name])
    try:
        device = scenario.device(name)
        device.client.publish(device.topic("inform"), json.dumps({"id": 1, "params": {"version": OLD}}))
        operator.wait_version(PRODUCT, name, OLD)
        device.drop()
        batch = scenario.batch(scenario.package(NEW), [name])
        task = scenario.task(batch, name)
        silent = scenario.device(name)
        push = silent.expect_push()
        assert push.data["version"] == NEW
        silent.client.publish(silent.topic("progress"), json.dumps({"id": 1, "params": {"step": 23, "desc": " xxxxxxxx "}}))
        operator.wait_task(task["id"], state="upgrading", step=23)
        silent.client.publish(silent.topic("inform"), json.dumps({"id": 1, "params": {"version": NEW}}))
        return operator.wait_task(task["id"], state="succeeded", cause="version_reported")
    finally:
        scenario.close()
