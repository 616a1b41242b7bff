"""Packages over MQTT: C 4.2.0 with its download module goes the whole way, hostile requests get nowhere, what goes wrong is told.
"""

import os

import pytest

from harness.scenario import PRODUCT
from harness.wait import until
from sdk.blocks import C4Mqtt
from test_sdk import NEW, OLD, make_ground  # noqa: F401 - a fixture

IMAGE = os.urandom(3 * 10240 + 777)


@pytest.fixture
def ground(make_ground):  # noqa: F811
    ground = make_ground()
    ground.operator.ask("updateProduct", productKey=PRODUCT, delivery="mqtt")
    ground.register("sensor-01")
    return ground


def pushed(ground, name="sensor-01", content=IMAGE, version=NEW):
    """A device with its offer, following the reply topic."""
    device = ground.device(C4Mqtt, name).power_up(OLD)
    ground.known(name)
    batch = ground.batch(ground.operator.add_package(PRODUCT, version, content), name)
    offer = device.take(device.expect_push())
    device.follow(device.reply, qos=0)
    return device, offer, ground.task(batch, name)


def attempts(ground, task):
    return ground.operator.ask("getTask", task=task["id"])["attempts"]


@pytest.mark.parametrize("tls", [False, True], ids=["tcp", "tls"])
def test_aliyun_0_11_c_4_downloads_over_mqtt_with_its_trailing_comma(make_ground, tls):  # noqa: F811
    ground = make_ground(tls)
    ground.operator.ask("updateProduct", productKey=PRODUCT, delivery="mqtt")
    ground.register("sensor-01")
    device = ground.device(C4Mqtt).power_up(OLD)
    ground.known()
    batch = ground.batch(ground.operator.add_package(PRODUCT, NEW, IMAGE), "sensor-01")
    offer = device.take(device.expect_push())
    task = ground.task(batch)
    assert (offer.version, offer.size, offer.stream, offer.file) == (NEW, len(IMAGE), task["id"], 1)
    assert device.update(offer) == [IMAGE]
    told = ground.operator.wait_task(task["id"], step=100)
    fetched = until(lambda: [each for each in attempts(ground, task) if each.get("fetchedAt")], "the transfer in the attempt")
    assert fetched[0]["bytes"] == len(IMAGE) and told["state"] == "upgrading"
    device.close()
    device.power_up(NEW)
    assert ground.operator.wait_batch(batch["id"], state="completed")["causes"] == {"version_reported": 1}
    device.close()
