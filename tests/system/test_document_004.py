"""Source document 004, "Device firmware upgrade under the MQTT protocol", played with its own payloads."""

import json

import pytest

from harness import places, stock
from harness.device import Device
from harness.scenario import PRODUCT

# As JSON.stringify() of the document's sample prints them.
INFORM = '{"id":1,"params":{"version":"%s"}}'
PROGRESS = '{"id":1,"params":{"step":%d,"desc":" xxxxxxxx "}}'
OLD, NEW = "1-45-345a", "1-45-345b"


def versions(operator, module="default"):
    told = operator.ask("versionDistribution", productKey=PRODUCT, module=module)
    return {each["version"]: each["count"] for each in told["versions"]}, told["unknown"]


def test_stock_clients_go_from_inform_to_succeeded(broker, operator, scenario):
    """Sections 3.1 to 3.6 with mosquitto_pub and mosquitto_sub. Each mosquitto_pub is a connection of its own and ends the one
    before it, so the reports go out through the one that listens; this is what a device with one connection does.
    """
    device = Device(broker, PRODUCT, "sensor-01")
    assert versions(operator) == ({}, 1)

    stock.publish(broker, device, device.topic("inform"), INFORM % OLD)
    operator.wait_version(PRODUCT, "sensor-01", OLD)
    assert versions(operator) == ({OLD: 1}, 0)

    package = scenario.package(NEW)
    batch = scenario.batch(package)
    task = scenario.task(batch)
    listener = stock.Subscriber(broker, device, device.topic("upgrade"))
    push = json.loads(listener.message())
    assert push["data"]["version"] == NEW
    assert push["data"]["md5"] == package["md5"]
    assert operator.wait_task(task["id"], state="pushed")["attempt"] == 1
    listener.close()

    stock.publish(broker, device, device.topic("progress"), PROGRESS % 23)
    assert operator.wait_task(task["id"], state="upgrading")["step"] == 23

    stock.publish(broker, device, device.topic("inform"), INFORM % NEW)
    assert operator.wait_task(task["id"], state="succeeded")["cause"] == "version_reported"
    assert versions(operator) == ({NEW: 1}, 0)
    assert operator.wait_batch(batch["id"], state="completed")["counts"]["succeeded"] == 1
    assert operator.ask("getPackage", package=package["id"])["verification"] == "verified"


def test_raw_client_goes_from_inform_to_succeeded_and_the_event_log_tells_it(operator, scenario):
    device = scenario.device()
    device.subscribe()
    device.client.publish(device.topic("inform"), INFORM % OLD)
    operator.wait_version(PRODUCT, "sensor-01", OLD)
    batch = scenario.batch(scenario.package(NEW))
    task = scenario.task(batch)
    device.expect_push()
    device.client.publish(device.topic("progress"), PROGRESS % 23)
    running = operator.wait_task(task["id"], state="upgrading", step=23)
    assert running["desc"].strip() == "xxxxxxxx"
    assert running["fromVersion"] == OLD
    device.client.publish(device.topic("inform"), INFORM % NEW)
    done = operator.wait_task(task["id"], state="succeeded")
    assert [each["attempt"] for each in done["attempts"]] == [1]

    told = [each["event"] for each in operator.events(productKey=PRODUCT, deviceName="sensor-01")]
    assert told == ["version", "pushed", "upgrading", "version", "succeeded"]
    made = operator.wait_event("batch_created", batch=batch["id"])
    assert made["actor"] == "admin"


def test_one_push_for_a_device_that_subscribed(scenario):
    """A push goes to the connection, not also to the topic: a subscriber gets it once."""
    device = scenario.device(version=OLD).subscribe()
    scenario.pushed(device, scenario.package(NEW))
    device.no_push(1)


def test_pushes_are_not_seen_by_others(broker, scenario):
    with broker.client("stranger") as stranger:
        stranger.subscribe("#", "/ota/#", "/ota/device/upgrade/+/+")
        device = scenario.device(version=OLD)
        scenario.pushed(device, scenario.package(NEW))
        stranger.fence()
        assert not [each for each in stranger.messages() if "upgrade" in each.topic]


def test_step_100_alone_proves_nothing(operator, scenario):
    device = scenario.device(version=OLD)
    task, _ = scenario.pushed(device, scenario.package(NEW))
    device.progress(100)
    assert operator.wait_task(task["id"], step=100)["state"] == "upgrading"
    device.inform(NEW)
    operator.wait_task(task["id"], state="succeeded")


@pytest.mark.parametrize("step", ["23", 23])
def test_step_may_be_text_or_a_number(operator, scenario, step):
    device = scenario.device(version=OLD)
    task, _ = scenario.pushed(device, scenario.package(NEW))
    device.progress(step)
    operator.wait_task(task["id"], state="upgrading", step=23)


def test_push_needs_no_escape_no_space_and_ends_with_success(scenario):
    """What the C SDKs cannot read: white space, escapes, null (aliyun-ota 0.3, 0.4, 0.7)."""
    device = scenario.device(version=OLD)
    _, push = scenario.pushed(device, scenario.package(NEW, extData={"info": "Double 11 corpus update"}))
    assert push.payload == json.dumps(push.value, separators=(",", ":")).encode()
    assert b"\\" not in push.payload and b"null" not in push.payload
    assert push.payload.endswith(b',"message":"success"}')
    assert list(push.value) == ["code", "data", "id", "message"]
    assert list(push.data) == ["size", "sign", "version", "url", "signMethod", "md5", "extData"]
    assert push.data["signMethod"] == "Md5"
    assert push.data["sign"] == push.data["md5"]


def test_module_of_the_push_names_what_to_update(operator, scenario):
    """The document's own push is for the module "resource" of a device that never told its version."""
    device = scenario.device(version=OLD)
    package = scenario.package("res-1.2.5", module="resource")
    task, push = scenario.pushed(device, package)
    assert push.data["module"] == "resource"
    device.client.publish(device.topic("progress"), PROGRESS % 23)  # names no module: it means the task in work
    operator.wait_task(task["id"], state="upgrading", step=23)
    device.inform("res-1.2.5", module="resource")
    operator.wait_task(task["id"], state="succeeded")
    assert versions(operator, "resource") == ({"res-1.2.5": 1}, 0)
    assert versions(operator) == ({OLD: 1}, 0)


def test_push_is_the_documents_own_example_byte_for_byte(broker, operator, scenario):
    """From the same inputs; what varies is the URL and the time. Of the example only extData has moved, behind the scalars
    (aliyun-ota 0.5).
    """
    digest, sha256 = "5a1a416f357f17bfa89823d2fd49ef8b", "0" * 63 + "4"
    with open(broker.package_dir / sha256, "wb") as image:
        image.truncate(2233916)
    package = operator.ask("addPackage", productKey=PRODUCT, module="resource", version="res-1.2.5", size=2233916, sha256=sha256,
                           md5=digest, extData={"info": "Double 11 corpus update"})
    device = scenario.device(version=OLD)
    _, push = scenario.pushed(device, package)
    golden = (places.GOLDEN / "push-document-004.json").read_bytes().rstrip(b"\n")
    varying = {b"update package downloaded url address": push.data["url"].encode(),
               b"1617773607348": str(push.value["id"]).encode()}
    for told, real in varying.items():
        assert golden.count(told) == 1
        golden = golden.replace(told, real)
    assert push.payload == golden
