"""Reports that come twice, late, or where they do not belong, through a real broker. What each means in every state is tested in
tests/unit/plugin/fleet/test_luck.c."""

import json

from harness import packets
from harness.device import Device
from harness.mqtt import Closed
from harness.scenario import PRODUCT
from harness.wait import until

OLD, NEW = "1.0.0", "2.0.0"


def resend(device, verb, params, times):
    """The same packet again and again with the DUP flag, as a client does that missed its PUBACK."""
    payload = json.dumps({"id": 1, "params": params})
    for number in range(times):
        device.client._send(packets.publish(device.topic(verb), payload, 1, 77, dup=number > 0))
        device.client.wait_ack(77)


def test_reports_resent_with_the_dup_flag_count_once(operator, scenario):
    device = scenario.device(version=OLD)
    task, _ = scenario.pushed(device, scenario.package(NEW), strategy={"retries": 2, "retryPause": "200ms"})
    resend(device, "progress", {"step": "-2", "desc": "no network"}, 5)
    device.expect_push()
    resend(device, "progress", {"step": "100", "desc": ""}, 5)
    resend(device, "inform", {"version": NEW}, 5)
    done = operator.wait_task(task["id"], state="succeeded")
    assert done["attempt"] == 2, "five times -2 is one failure"
    known = operator.ask("versionDistribution", productKey=PRODUCT)["versions"]
    assert known == [{"version": NEW, "count": 1}]


def test_a_flood_of_strangers_and_strays_changes_nothing(broker, operator, scenario):
    """Unknown devices and products, reports about others, words on the server's topics: all beside one true update."""
    device = scenario.device(version=OLD)
    task, _ = scenario.pushed(device, scenario.package(NEW))
    for name, product in (("nobody", PRODUCT), ("sensor-01", "NoSuchProduct"), ("nobody2", PRODUCT)):
        stranger = Device(broker, product, name)
        stranger.connect()
        try:
            stranger.inform(NEW).progress(100).progress(-4, batch=task["batch"], attempt=1)
            for verb in ("inform", "progress", "upgrade", "cancel"):
                words = '{"id":1,"params":{"version":"9","step":"-4"}}'
                stranger.client.publish(f"/ota/device/{verb}/{PRODUCT}/sensor-01", words, 1)
            stranger.client.publish(stranger.sys_topic("ota/firmware/get_reply"), '{"id":"1","code":200,"data":{}}', 1)
        except Closed:
            pass  # a broker may end such a connection
        stranger.drop()
    device.progress(50)
    operator.wait_task(task["id"], state="upgrading", step=50)
    device.progress(100).inform(NEW)
    done = operator.wait_task(task["id"], state="succeeded")
    assert (done["cause"], done["attempt"]) == ("version_reported", 1)
    assert [each["deviceName"] for each in operator.pages("listDevices", productKey=PRODUCT)] == ["sensor-01"]


def test_reports_of_an_attempt_that_ended_are_late_whatever_they_say(operator, scenario):
    device = scenario.device()
    device.inform(OLD, caps=[], agent="test/1")
    operator.wait_version(PRODUCT, "sensor-01", OLD)
    first, _ = scenario.pushed(device, scenario.package(NEW))
    device.progress(-4, batch=first["batch"], attempt=1)
    operator.wait_task(first["id"], state="failed", cause="burn_failed")
    second, _ = scenario.pushed(device, scenario.package("3.0.0"))
    for step in (-1, -2, -3, -4, 0, 50, 100):
        device.progress(step, batch=first["batch"], attempt=1)
    device.progress(7, batch=second["batch"], attempt=1)
    until(lambda: operator.ask("getTask", task=second["id"]).get("step") == 7, "the report that belongs here")
    assert operator.ask("getTask", task=second["id"])["state"] == "upgrading"
    assert operator.ask("getTask", task=first["id"])["cause"] == "burn_failed"
