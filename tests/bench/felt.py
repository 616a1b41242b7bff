"""What those beside the work feel of it: clients of a swarm that note how long each of their messages took."""

import json
import os
import time
from contextlib import suppress
from pathlib import Path

from harness import packets
from harness.attacks import hello, topic
from harness.scenario import PRODUCT


class Trips:
    """When what was sent, and how long it took."""

    def __init__(self, kinds):
        self.kinds = kinds
        self.begin()

    def begin(self):
        self.sent = {kind: {} for kind in self.kinds}
        self.took = {kind: [] for kind in self.kinds}

    def send(self, kind, key):
        self.sent[kind][key] = time.monotonic()

    def arrive(self, kind, key):
        at = self.sent[kind].pop(key, None)
        if at is not None:
            self.took[kind].append((time.monotonic() - at) * 1000)

    @property
    def waiting(self):
        return sum(len(each) for each in self.sent.values())


class Device:
    """One that informs: "acknowledged", and "applied" when it pulls behind it."""

    def __init__(self, name, trips, versions=1 << 30):
        self.name, self.trips, self.hello = name, trips, hello(name)
        self.versions = versions  # it goes through so many
        self.link = None

    def report(self, number, pull):
        mid = number % 65535 + 1
        body = json.dumps({"id": str(number), "params": {"version": f"1.{number % self.versions}"}})
        data = packets.publish(topic("inform", self.name), body, 1, mid)
        self.trips.send("acknowledged", (self.name, mid))
        if pull:
            get = f"/sys/{PRODUCT}/{self.name}/thing/ota/firmware/get"
            data += packets.publish(get, json.dumps({"id": str(number), "params": {}}))
            self.trips.send("applied", self.name)
        self.link.send(data)

    def on_connack(self, link, code):
        assert code == 0, f"{self.name} was refused: {code}"
        self.link = link

    def on_packet(self, link, packet):
        if packet.kind == packets.PUBACK:
            self.trips.arrive("acknowledged", (self.name, packets.read_mid(packet)))
        elif packet.kind == packets.PUBLISH and packets.read_publish(packet).topic.endswith("get_reply"):
            self.trips.arrive("applied", self.name)

    def on_closed(self, link):
        raise AssertionError(f"{self.name}: closed by the broker")


class Probe:
    """A client that has nothing to do with updates: it hears what it says: "foreign"."""

    def __init__(self, trips):
        self.trips, self.hello, self.link = trips, packets.connect("probe"), None

    def say(self, number):
        self.trips.send("foreign", number)
        self.link.send(packets.publish("site/probe", str(number)))

    def on_connack(self, link, code):
        self.link = link
        link.send(packets.subscribe(1, ["site/probe"], 0))

    def on_packet(self, link, packet):
        if packet.kind == packets.PUBLISH:
            self.trips.arrive("foreign", int(packets.read_publish(packet).payload))

    def on_closed(self, link):
        raise AssertionError("the foreign client was closed by the broker")


def prefer(*pids):
    """Schedules every thread of these before all else, where it may (as root); what they start is ordinary again."""
    with suppress(PermissionError):
        for pid in pids:
            for thread in Path(f"/proc/{pid}/task").iterdir():
                os.sched_setscheduler(int(thread.name), os.SCHED_RR | os.SCHED_RESET_ON_FORK, os.sched_param(1))
