"""Operators over the whole way: what happens is seen as it happens, once and in order."""

import json
import sqlite3
import subprocess
import threading

import pytest

from gateway_rig.whole import otactl, system  # noqa: F401
from harness import schemas
from harness.device import Device
from harness.mqtt import Closed, Refused
from harness.wait import DEADLINE, until


class Following:
    """A run of otactl log --follow whose lines are read as they come."""

    def __init__(self, otactl, *words):
        self.process = otactl.start(*words, "--follow", "-o", "jsonl")
        self.lines, self.notes = [], []
        self.readers = [threading.Thread(target=self._read, args=pair) for pair in
                        ((self.process.stdout, self.lines), (self.process.stderr, self.notes))]
        for reader in self.readers:
            reader.start()

    @staticmethod
    def _read(stream, lines):
        for line in stream:
            lines.append(line)

    def events(self):
        return [json.loads(line) for line in list(self.lines)]

    def wait(self, word, **members):
        until(lambda: any(each["event"] == word and members.items() <= each.items() for each in self.events()),
              f"the event {word} to be shown", 2 * DEADLINE)

    def close(self):
        self.process.kill()
        self.process.wait(DEADLINE)
        for reader, stream in zip(self.readers, (self.process.stdout, self.process.stderr)):
            reader.join()
            stream.close()


@pytest.fixture
def follow(otactl):
    made = []

    def start(*words):
        made.append(Following(otactl, *words))
        return made[-1]
    yield start
    for each in made:
        each.close()


def test_follow_survives_restarts_of_broker_and_gateway_and_misses_nothing(system, otactl, follow):
    broker, gateway = system
    otactl.good("product", "add", "first")
    following = follow("log")
    following.wait("product_created", productKey="first")

    broker.kill()
    until(lambda: "trying again" in "".join(following.notes), "a note that the server is away", 2 * DEADLINE)
    broker.start()
    gateway.wait_broker()
    otactl.good("product", "add", "second", "--reason", "while it looked away")
    following.wait("product_created", productKey="second")

    port = gateway.port
    gateway.kill()
    until(lambda: "".join(following.notes).count("trying again") == 2, "a second note", 2 * DEADLINE)
    gateway.settings["listen"] = f"127.0.0.1:{port}"
    gateway.start().wait_broker()
    otactl.good("product", "add", "third")
    following.wait("product_created", productKey="third")

    shown = [each["id"] for each in following.events()]
    assert shown == sorted(set(shown))
    logged = [json.loads(line)["id"] for line in otactl.good("log", "-o", "jsonl").splitlines()]
    assert shown == logged[::-1][-len(shown):]
    assert "".join(following.notes).count("back") == 2


def test_follow_ends_with_a_sentence_when_its_token_is_revoked(system, otactl, follow):
    token = json.loads(otactl.good("token", "add", "guest", "--role", "viewer", "-o", "json"))["token"]
    otactl.environment["OTA_TOKEN"], admin = token, otactl.environment["OTA_TOKEN"]
    following = follow("log")
    following.wait("token_created")
    otactl.environment["OTA_TOKEN"] = admin
    otactl.good("token", "revoke", "guest")
    assert following.process.wait(DEADLINE) == 1
    until(lambda: "expired" in "".join(following.notes), "the reason on stderr")


def test_token_table_tells_who_holds_which(otactl):
    shown = otactl.good("token", "add", "ci", "--role", "operator", "--expires-in", "90d")
    assert "ota_" in shown and "expires" in shown
    listed = otactl.good("token", "list").splitlines()
    assert listed[0].split() == ["NAME", "ROLE", "CREATED", "BY", "EXPIRES", "USED"]
    assert [line.split()[:2] for line in listed[1:]] == [["admin", "admin"], ["ci", "operator"]]
    assert otactl("token", "revoke", "admin").code == 4


# Events on $CONTROL/ota/v1/events, with Mosquitto's own rules about who may read there.

EVENTS = "$CONTROL/ota/v1/events"
RULES = """topic write $CONTROL/ota/v1
topic read $CONTROL/ota/v1/response
user reader
topic read $CONTROL/ota/v1/events
user blind
topic read $CONTROL/ota/v1/response
"""


@pytest.fixture
def guarded(new_broker, tmp_path):
    broker = new_broker(options={"others": "defer"})
    passwords, rights = tmp_path / "passwords", tmp_path / "acl"
    for name in ("reader", "blind"):
        subprocess.run(["mosquitto_passwd", "-b", *([] if passwords.exists() else ["-c"]), passwords, name, "right"], check=True)
    rights.write_text(RULES)
    for file in (passwords, rights):
        file.chmod(0o600)
    broker.config.add("password_file", passwords).add("acl_file", rights)
    return broker.start()


def test_events_are_published_in_the_order_of_the_log_to_those_who_may_read_them(guarded):
    with guarded.operator() as operator, guarded.client("reader", "reader", "right") as reader, \
            guarded.client("blind", "blind", "right") as blind:
        operator.ask("createProduct", productKey="pk1")
        operator.ask("registerDevices", productKey="pk1", names=["a"])
        device = Device(guarded, "pk1", "a").connect()
        assert device.client.subscribe(EVENTS, "$CONTROL/#", "$CONTROL/ota/v1/+", f"$share/g/{EVENTS}") == [0x80] * 4
        reader.subscribe(EVENTS)
        blind.subscribe(EVENTS, "$CONTROL/#")
        blind.publish(EVENTS, '{"id":1}', 1)
        device.client.publish(EVENTS, '{"id":2}', 1)

        device.inform("1.0.0")
        operator.wait_version("pk1", "a", "1.0.0")
        operator.add_package("pk1", "2.0.0")
        batch = operator.ask("createBatch", productKey="pk1", version="2.0.0", kind="verify", targets={"all": True})["id"]
        device.expect_push()
        device.progress(50)
        device.inform("2.0.0")
        operator.wait_batch(batch, state="completed", outcome="succeeded")

        logged = operator.events()
        heard = [json.loads(reader.expect(EVENTS).payload)]
        while heard[-1]["id"] < logged[-1]["id"]:
            heard.append(json.loads(reader.expect(EVENTS).payload))
        assert heard == [each for each in logged if each["id"] >= heard[0]["id"]]
        assert {"version", "batch_created", "pushed", "upgrading", "succeeded"} <= {each["event"] for each in heard}
        for each in heard:
            schemas.check("common#/$defs/event", each)
        blind.fence()
        device.client.fence()
        assert not blind.messages(EVENTS) and not device.client.messages(EVENTS)
        device.close()


def test_will_on_the_topic_of_events_is_never_published(guarded):
    """Mosquitto 2.0.11 takes wills below $CONTROL and routes them like any message."""
    with guarded.client("reader", "reader", "right") as reader:
        reader.subscribe(EVENTS)
        dying = guarded.client("blind", "blind", "right", will=(EVENTS, '{"id":3}', 1, False))
        try:
            dying.connect()
            dying.drop()
        except (Refused, Closed):
            pass
        with guarded.operator() as operator:
            operator.ask("createProduct", productKey="pk1")
        assert json.loads(reader.expect(EVENTS).payload)["event"] == "product_created"


def test_event_log_older_than_it_is_kept_is_gone_after_a_start(new_broker):
    broker = new_broker(options={"log_keep": "1d"}).start()
    with broker.operator() as operator:
        operator.ask("createProduct", productKey="pk1")
    broker.stop()
    with sqlite3.connect(broker.store_dir / "ota.db") as store:
        store.execute("UPDATE event SET at_ms = at_ms - 2 * 86400000")
    store.close()
    broker.start()
    with broker.operator() as operator:
        until(lambda: not operator.events(), "the old events to go")
        operator.ask("createProduct", productKey="pk2")
        assert [each["productKey"] for each in operator.events()] == ["pk2"]
