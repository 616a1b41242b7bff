"""Bad input of devices, over a true broker: each row of tests/surface/messages.c at QoS 0 and 1, and topics of every wrong form.
Whatever comes, the broker lives, the connection is kept, a QoS 1 message has its PUBACK, one line tells what was wrong or mended,
and the device's next good report counts. The same rows, for the engine alone: tests/unit/plugin/fleet/test_messages.c.
"""

import json

import pytest

from harness.broker import Broker
from harness.device import Device
from harness.log_lines import plugins_lines
from harness.mqtt import Refused
from harness.scenario import PRODUCT, Scenario
from harness.wait import until
from surface import messages

PARTS = 4  # of the rows: the log tells of fifty refusals at once, then of five a second
GOOD = {"module": "good", "version": "2"}


class Sender:
    """A device for one row at one QoS."""

    def __init__(self, broker, row, qos):
        self.row, self.qos = row, qos
        self.device = Device(broker, PRODUCT, f"d{row.number}-{qos}")

    def __str__(self):
        return f"{self.row} at QoS {self.qos}"

    @property
    def topic(self):
        return self.device.sys_topic("ota/firmware/get") if self.row.verb == "get" else self.device.topic(self.row.verb)

    def send(self):
        """The row, and a good report behind it; the PUBACKs have come."""
        self.device.client.publish(self.topic, self.row.payload, self.qos)
        self.device.inform(GOOD["version"], GOOD["module"], self.qos)
        self.device.client.fence()

    def said(self, lines):
        """The lines about this device's message, and only them."""
        mine = [(event, pairs["why"]) for event, pairs in lines
                if event in ("refused", "mended") and pairs["device"] == self.device.name]
        return mine + [("refused", pairs["why"]) for event, pairs in lines
                       if event == "message_refused" and pairs["username"] == self.device.username]

    def problem_of_line(self, lines):
        said = self.said(lines)
        if self.row.line is None:
            return f"{self}: {said}" if said else None
        event = "refused" if self.row.effect is None else "mended"
        if len(said) != 1 or said[0][0] != event or self.row.line not in said[0][1]:
            return f"{self}: not {event} {self.row.line!r}: {said}"
        return None

    def effect(self, found):
        """What is there to see of it, as the rows tell it."""
        if self.row.verb == "inform":
            return ", ".join(f"{each['module']} {each['version']}" for each in found["modules"] if each["module"] != "good")
        if self.row.verb == "progress":
            task = found["tasks"][0]
            return f"{task['state']} {task['step']} {task.get('desc', '')}" if "step" in task else task["state"]
        replies = self.device.client.messages()
        assert all(json.loads(each.payload)["data"] == {} for each in replies)
        return replies[0].payload.decode().split(",")[0].partition(":")[2] if replies else ""

    def problem_of_effect(self, found):
        nothing = "pushed" if self.row.verb == "progress" else ""
        wanted = nothing if self.row.effect is None else self.row.effect
        effect = self.effect(found)
        return None if effect == wanted else f"{self}: not {wanted!r}, but {effect!r}"


def push_to(senders, scenario, operator):
    """Those of progress reports have a task, and were pushed."""
    names = [each.device.name for each in senders]
    for each in senders:
        each.device.inform("1.0.0")
    wanted = [{"version": "1.0.0", "count": len(names)}]
    until(lambda: operator.ask("versionDistribution", productKey=PRODUCT)["versions"] == wanted, "all have informed")
    scenario.batch(scenario.package(), names)
    for each in senders:
        each.device.expect_push()


def wait_good(operator, senders):
    def look():
        return len(list(operator.pages("listDevices", productKey=PRODUCT, **GOOD))) == len(senders)
    until(look, "the good report of every device")


def look_at(operator, senders):
    """getDevice of each, some in one request."""
    found = []
    for start in range(0, len(senders), 16):
        names = [each.device.name for each in senders[start:start + 16]]
        asked = [{"command": "getDevice", "productKey": PRODUCT, "deviceName": name} for name in names]
        found += [answer["data"] for answer in operator.ask_all(asked)]
    return found


@pytest.mark.parametrize("part", range(PARTS))
def test_each_message_of_a_device_is_applied_mended_or_refused_by_its_field(broker, operator, part):
    senders = [Sender(broker, row, qos) for row in messages.rows()[part::PARTS] for qos in (0, 1)]
    scenario = Scenario(broker, operator, [each.device.name for each in senders])
    for each in senders:
        each.device.connect()
    push_to([each for each in senders if each.row.verb == "progress"], scenario, operator)
    for each in senders:
        each.send()
    wait_good(operator, senders)
    for each in senders:
        each.device.client.fence()
    lines = plugins_lines(broker)
    found = [each.problem_of_line(lines) for each in senders]
    found += [each.problem_of_effect(device) for each, device in zip(senders, look_at(operator, senders))]
    for each in senders:
        each.device.close()
    broker.check_alive()
    assert not any(found), "\n".join(filter(None, found))


NAME = "sensor-01"
OWN = f"{PRODUCT}/{NAME}"
REFUSED_TOPICS = [
    ("no names", "/ota/device/inform"), ("an empty product", f"/ota/device/inform//{NAME}"),
    ("an empty device", f"/ota/device/inform/{PRODUCT}/"), ("no device", f"/ota/device/inform/{PRODUCT}"),
    ("a slash behind it", f"/ota/device/inform/{OWN}/"), ("a level more", f"/ota/device/inform/{OWN}/x"),
    ("a doubled slash", f"/ota/device//inform/{OWN}"), ("a verb in other case", f"/ota/device/Inform/{OWN}"),
    ("an unknown verb", f"/ota/device/report/{OWN}"), ("no verb", "/ota/device/"),
    ("a product in other case", f"/ota/device/inform/{PRODUCT.lower()}/{NAME}"),
    ("a product one past its limit", f"/ota/device/inform/{'P' * 33}/{NAME}"),
    ("a device one past its limit", f"/ota/device/inform/{PRODUCT}/{'d' * 65}"),
    ("a product with a bad character", f"/ota/device/inform/a-b/{NAME}"), ("a space", f"/ota/device/inform/{PRODUCT}/sensor 01"),
    ("beyond ASCII", f"/ota/device/inform/{PRODUCT}/sensör"), ("another device", f"/ota/device/inform/{PRODUCT}/sensor-02"),
    ("names the wrong way round", f"/ota/device/inform/{NAME}/{PRODUCT}"),
    ("a topic of the server", f"/ota/device/upgrade/{OWN}"),
    ("a reply of the server", f"/sys/{OWN}/thing/ota/firmware/get_reply"),
    ("an unknown verb of /sys", f"/sys/{OWN}/thing/ota/firmware/put"),
    ("a slash behind /sys", f"/sys/{OWN}/thing/ota/firmware/get/"),
    ("another device of /sys", f"/sys/{PRODUCT}/sensor-02/thing/ota/firmware/get"),
    ("very long", "/ota/device/inform/" + "x" * 60000),
]
CLOSED_TOPICS = [  # the broker itself ends such a connection, by the standard of MQTT
    ("a wildcard", f"/ota/device/inform/{PRODUCT}/+".encode()),
    ("a wildcard of many levels", b"/ota/device/inform/#"),
    ("a NUL", f"/ota/device/inform/{PRODUCT}/sensor\0".encode()),
    ("no UTF-8", f"/ota/device/inform/{PRODUCT}/\xff".encode("latin-1")),
    ("a surrogate", f"/ota/device/inform/{PRODUCT}/".encode() + b"\xed\xa0\x80"),
    ("nothing", b""),
]


def test_topic_of_no_form_of_ours_goes_nowhere_and_is_told(broker, operator, scenario):
    device = scenario.device()
    reader = broker.client("reader").connect()
    reader.subscribe("#")
    for qos in (0, 1):
        for _, topic in REFUSED_TOPICS:
            device.client.publish(topic, '{"params":{"version":"9"}}', qos)
    device.inform("1.0.0")
    operator.wait_version(PRODUCT, NAME, "1.0.0")
    reader.fence()
    assert {each.topic for each in reader.messages()} == {device.topic("inform")}
    denied = [pairs for event, pairs in plugins_lines(broker) if event == "access_denied"]
    assert len(denied) >= len(REFUSED_TOPICS), denied  # each once; what one device repeats is paced
    assert all("why" in pairs and pairs["username"] == device.username for pairs in denied)


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    with Broker(tmp_path_factory.mktemp("topics")) as started, started.operator() as operator:
        yield Scenario(started, operator, [NAME])


@pytest.mark.parametrize("number, topic", enumerate(topic for _, topic in CLOSED_TOPICS), ids=[what for what, _ in CLOSED_TOPICS])
def test_topic_of_no_mqtt_costs_the_connection_and_nothing_else(shared, number, topic):
    device = shared.device()
    device.client.publish(topic, "{}", 1, wait=False)
    device.client.wait_closed()
    shared.device(version=f"1.{number}").close()


def test_names_go_to_their_limits(broker, operator):
    product, name = "P" * 32, "d" * 64
    operator.ask("createProduct", productKey=product)
    operator.ask("registerDevices", productKey=product, names=[name])
    with Device(broker, product, name) as device:
        device.inform("1.0.0")
        operator.wait_version(product, name, "1.0.0")
    for wrong in ((product, name + "d"), (product + "P", name), ("", name), (product, "")):
        device = Device(broker, *wrong)
        with pytest.raises(Refused):
            device.connect()
        event, pairs = plugins_lines(broker)[-1]
        assert event == "login_refused" and pairs["username"] == device.username and pairs["why"] == "username_names_no_device"
