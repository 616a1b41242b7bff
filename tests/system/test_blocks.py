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


def test_blocks_of_every_size_and_the_largest_one(ground):
    """131072 bytes and their header pass the packet limit of the shipped configuration, which is for what comes in."""
    content = os.urandom(131072 + 256)
    device, offer, _ = pushed(ground, content=content)
    for size, offset, expected in ((131072, 0, content[:131072]), (256, 131072, content[131072:]), (131072, 256, content[256:]),
                                   (1000, 131071, content[131071:])):
        device.ask(offer.stream, offset, size)
        got = device.answer()
        assert (got.offset, got.length, got.content) == (offset, len(content), expected)
    device.close()


def test_answers_go_at_qos_0_and_to_devices_that_never_subscribe(ground):
    device = ground.device(C4Mqtt).power_up(OLD)
    ground.known()
    ground.batch(ground.operator.add_package(PRODUCT, NEW, IMAGE), "sensor-01")
    offer = device.take(device.expect_push())
    device.ask(offer.stream, 0, qos=1)
    message = device.client.expect(device.reply)
    assert (message.qos, message.retain) == (0, False)
    device.close()


def delivery_of(device):
    data = device.expect_push().data
    return data.get("dProtocol", "http" if "url" in data else None)


@pytest.mark.parametrize("product, caps, tag, expected", [
    ("http", None, None, "http"), ("mqtt", None, None, "mqtt"), ("http", ["mqtt"], None, "mqtt"),
    ("mqtt", ["mqtt"], "http", "http"), ("http", None, "mqtt", "mqtt"), ("mqtt", ["cancel"], None, "mqtt"),
])
def test_delivery_is_the_operators_tag_then_the_devices_word_then_the_products(operator, scenario, product, caps, tag, expected):
    operator.ask("updateProduct", productKey=PRODUCT, delivery=product)
    device = scenario.device()
    device.inform(OLD, **({"caps": caps} if caps else {}))
    operator.wait_version(PRODUCT, "sensor-01", OLD)
    if tag:
        operator.ask("tagDevices", productKey=PRODUCT, names=["sensor-01"], set={"delivery": tag})
    scenario.batch(scenario.package())
    assert delivery_of(device) == expected


def test_package_hosted_elsewhere_goes_by_its_url_whatever_was_wished(operator, scenario):
    operator.ask("updateProduct", productKey=PRODUCT, delivery="mqtt")
    device = scenario.device(version=OLD)
    scenario.batch(scenario.package(url="https://cdn.example.org/image.bin"))
    assert device.expect_push().data["url"] == "https://cdn.example.org/image.bin"


def test_package_of_several_files_goes_by_its_urls_and_the_plan_says_so(operator, scenario):
    operator.ask("updateProduct", productKey=PRODUCT, delivery="mqtt")
    device = scenario.device(version=OLD)
    plan = {"kind": "verify", "targets": {"all": True}, "dryRun": True}
    one = scenario.package("1.9.0")
    assert operator.ask("createBatch", package=one["id"], **plan)["delivery"] == "mqtt"
    files = [{"name": name, **operator.broker.add_file(f"content of {name}".encode())} for name in ("a.bin", "b.bin")]
    package = operator.ask("addPackage", productKey=PRODUCT, version="2.0.0", files=files)
    assert operator.ask("createBatch", package=package["id"], **plan)["delivery"] == "http"
    scenario.batch(package)
    data = device.expect_push().data
    assert len(data["files"]) == 2 and "dProtocol" not in data and "streamId" not in data


def test_delivery_has_two_words(operator, scenario):
    assert scenario and "delivery" in operator.refused("updateProduct", productKey=PRODUCT, delivery="ftp").path
    assert "nothing is said to change" in operator.refused("updateProduct", productKey=PRODUCT).message
    said = operator.refused("tagDevices", productKey=PRODUCT, names=["sensor-01"], set={"delivery": "fax"})
    assert "is http or mqtt" in said.message
    assert operator.ask("updateProduct", productKey=PRODUCT, delivery="mqtt", name="meters")["delivery"] == "mqtt"
    told = {each["event"]: each["detail"] for each in operator.events(productKey=PRODUCT)}
    assert told["product_changed"] == "delivery mqtt, name meters"


HOSTILE = [  # what is written in place of streamId, size, offset
    ("1", "256", "0"), ("4294967295", "256", "0"), ("0", "256", "0"), ("-1", "256", "0"), ("9223372036854775808", "256", "0"),
    ("{}", "255", "0"), ("{}", "131073", "0"), ("{}", "0", "0"), ("{}", "-1", "0"), ("{}", '"256"', "0"), ("{}", "1e400", "0"),
    ("{}", "256", str(len(IMAGE))), ("{}", "256", str(len(IMAGE) + 1)), ("{}", "256", "-1"), ("{}", "256", "9223372036854775808"),
    ("{}", "256", "null"),
]


@pytest.mark.usefixtures("takes_sessions_over")
def test_hostile_requests_are_refused_and_disturb_nobody(ground):
    """Each on a connection of its own, where four refusals are told at once and then one in ten seconds."""
    ground.register("sensor-02")
    victim, offer, task = pushed(ground, "sensor-02")
    device, own, _ = pushed(ground, version="3.0.0")
    for index, (stream, size, offset) in enumerate(HOSTILE):
        if index % 4 == 0:
            device.reconnect()
        stream = stream.format(own.stream)
        device.client.publish(device.sys_topic("file/download"),
                              '{"id":1,"params":{"fileInfo":{"streamId":%s,"fileId":1,},"fileBlock":{"size":%s,"offset":%s}}}'
                              % (stream, size, offset))
        assert device.answer().code in (400, 404), (stream, size, offset)
    device.reconnect()
    device.ask(offer.stream, 0)
    assert device.answer().code == 404  # somebody else's
    device.ask(own.stream, 0, file=2)
    assert device.answer().code == 404
    device.client.publish(victim.sys_topic("file/download"), "{}", 1)  # in its name: dropped, and told
    ground.broker.wait_log("message_refused" if "message_refused" in ground.broker.log_of_run() else "access_denied")
    for junk in (b"", b"\0" * 100, b"{" * 1000, b"[]", b"x" * 1025, b"\xff\xfe"):
        device.client.publish(device.sys_topic("file/download"), junk)
    assert victim.update(offer) == [IMAGE]
    ground.operator.wait_task(task["id"], step=100)
    for each in (device, victim):
        each.close()


@pytest.mark.usefixtures("takes_sessions_over")
def test_flood_of_requests_is_two_answers_and_leaves_others_their_pace(ground):
    """10^4 a second from one connection: what is not answered yet is replaced, and what is beyond its quota dropped."""
    ground.register("sensor-02")
    other, offer, task = pushed(ground, "sensor-02")
    device, own, _ = pushed(ground, version="3.0.0")
    flood = b"".join(device.client_bytes(own.stream, number) for number in range(2000))
    device.client.socket.sendall(flood)
    assert other.update(offer) == [IMAGE]
    device.client.fence()
    assert len(device.client.messages(device.reply)) < 200
    ground.operator.wait_task(task["id"], step=100)
    for each in (device, other):
        each.close()


def test_missing_package_is_told_to_device_and_operator_and_mends(ground):
    device, offer, _ = pushed(ground)
    file = ground.broker.package_dir / ground.operator.ask("listPackages", productKey=PRODUCT)["items"][0]["sha256"]
    away = file.with_suffix(".away")
    file.rename(away)
    device.ask(offer.stream, 0)
    assert device.answer().code == 500
    ground.broker.wait_log("block_not_read")
    alarms = ground.operator.ask("getServer")["alarms"]
    assert any("devices cannot fetch a package over MQTT" in each["text"] and str(file) in each["text"] for each in alarms)
    away.rename(file)
    device.ask(offer.stream, 0)
    assert device.answer().content == IMAGE[:10240]
    assert not any("over MQTT" in each["text"] for each in ground.operator.ask("getServer")["alarms"])
    device.close()


@pytest.mark.parametrize("command", ["yankPackage", "cancelBatch"])
def test_yank_and_revoke_in_the_middle_end_a_download(ground, command):
    device, offer, task = pushed(ground)
    device.ask(offer.stream, 0)
    assert device.answer().content == IMAGE[:10240]
    if command == "yankPackage":
        package = ground.operator.ask("listPackages", productKey=PRODUCT)["items"][0]
        ground.operator.ask(command, package=package["id"], force=True)
    else:
        ground.operator.ask(command, batch=task["batch"], level="revoke")
    ground.operator.wait_task(task["id"], state="canceled")

    def refused():
        device.ask(offer.stream, 10240)
        return device.answer().code == 404

    until(refused, "the stream to end", 5)
    device.close()


def test_broker_restart_in_the_middle_is_ridden_out(ground):
    """The device asks again when it is back; its stream is the same."""
    device, offer, task = pushed(ground)
    device.ask(offer.stream, 0)
    first = device.answer().content
    ground.broker.kill()
    ground.broker.start()
    ground.operator.connect()
    device.reconnect()
    device.follow(device.reply, qos=0)
    rest = b""
    while len(first + rest) < offer.size:
        place = len(first + rest)
        device.ask(offer.stream, place, min(device.size, offer.size - place))
        rest += device.answer().content
    assert first + rest == IMAGE
    device.report(100)
    ground.operator.wait_task(task["id"], state="upgrading", step=100)
    device.close()
