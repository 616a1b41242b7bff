"""Killing the broker under load, and comparing what was acknowledged with what the store knows.

Devices are an independent client's: each keeps its own list of PUBACKs. A device has one report in flight, sends it again after a
reconnect until it is acknowledged, and never trusts anything but the PUBACK.
"""

import json
import random
from contextlib import suppress
from typing import NamedTuple

from . import packets
from .control import FINAL
from .scenario import PRODUCT
from .swarm import Swarm
from .wait import Late, until

OLD, NEW, OTHER = "1.0.0", "2.0.0", "9.9.9"
OUTCOMES = ("succeeds", "fails", "wrong", "rolls back")


class Plan(NamedTuple):
    """What a run does; the same seed gives the same devices with the same fates."""
    seed: int
    kills: int
    devices: int = 20
    modules: int = 10
    qos: int = 1


class Report(NamedTuple):
    verb: str
    params: tuple  # of (key, value)

    def payload(self, number):
        return json.dumps({"id": str(number), "params": dict(self.params)})


def inform(version, module="default"):
    return Report("inform", (("version", version),) + ((("module", module),) if module != "default" else ()))


def progress(step):
    return Report("progress", (("step", str(step)), ("desc", "")))


def script(seed, index, modules):
    """(reports before the push, reports after it)."""
    chance = random.Random(f"{seed}/{index}")
    fate = OUTCOMES[chance.randrange(len(OUTCOMES))]
    parts = [f"m{number:03}" for number in range(modules)]
    chance.shuffle(parts)
    before = [inform(f"{chance.randrange(1, 9)}.{number}", part) for number, part in enumerate(parts)] + [inform(OLD)]
    steps = [progress(step) for step in (0, 20, 40, 60, 80)]
    after = {
        "succeeds": [*steps, progress(100), inform(NEW)],
        "fails": [*steps[:3], progress(-3)],
        "wrong": [*steps, inform(OTHER)],
        "rolls back": [*steps, progress(100), inform(OLD)],
    }
    return before, after[fate]


class Reporter:
    """One device."""

    def __init__(self, name, reports, qos):
        self.name = name
        self.before, self.after = reports
        self.queue = list(self.before)
        self.qos = qos
        self.hello = packets.connect(f"{PRODUCT}.{name}|securemode=3|", f"{name}&{PRODUCT}", "secret", keepalive=600)
        self.link = None
        self.ready = False
        self.pushed = False
        self.acknowledged = []
        self._mid = 0

    @property
    def done(self):
        return self.ready and self.pushed and not self.queue

    def on_connack(self, link, code):
        if code:
            raise AssertionError(f"{self.name} was refused: {code}")
        self.ready = True
        if self.qos == 0 and self.acknowledged:
            # what QoS 0 may have lost a device says again when it comes back, as after a boot
            self.queue = [each for each in self.acknowledged if each.verb == "inform"][-1:] + self.queue
        self._send()

    def on_packet(self, link, packet):
        if packet.kind == packets.PUBACK and packets.read_mid(packet) == self._mid:
            self.acknowledged.append(self.queue.pop(0))
            self._send()
        elif packet.kind == packets.PUBLISH:
            self._on_push(packets.read_publish(packet))

    def on_closed(self, link):
        self.link, self.ready = None, False

    def _on_push(self, message):
        if json.loads(message.payload)["data"]["version"] != NEW or self.pushed:
            return  # a repeat
        self.pushed = True
        idle = not self.queue
        self.queue += self.after
        if idle:
            self._send()

    def _send(self):
        while self.queue and self.ready:
            report = self.queue[0]
            self._mid = self._mid % 65535 + 1
            topic = f"/ota/device/{report.verb}/{PRODUCT}/{self.name}"
            self.link.send(packets.publish(topic, report.payload(self._mid), self.qos, self._mid))
            if self.qos:
                return
            self.acknowledged.append(self.queue.pop(0))


class Fleet:
    """Reporters on a broker that is killed under them."""

    def __init__(self, broker, plan):
        self.broker = broker
        self.plan = plan
        self.kills = 0
        self.chance = random.Random(plan.seed)
        self.reporters = [Reporter(f"d{index:04}", script(plan.seed, index, plan.modules), plan.qos)
                          for index in range(plan.devices)]
        self.swarm = None
        self._connect()

    def acknowledged(self):
        return sum(len(each.acknowledged) for each in self.reporters)

    def run(self):
        """Until every report is acknowledged and every kill is spent."""
        total = sum(len(each.before) + len(each.after) for each in self.reporters)
        while self.kills < self.plan.kills:
            left = total - self.acknowledged()
            pause = max(left // (self.plan.kills - self.kills), 0)
            self._run_for(self.chance.randint(0, 2 * pause))
            self.kill()
        self.swarm.run_until(lambda: all(each.done for each in self.reporters), "every device to say all it has to say", 120)

    def kill(self):
        self.swarm.close()
        for each in self.reporters:
            each.on_closed(None)
        self.broker.restart(kill=True)
        self.kills += 1
        self._connect()

    def close(self):
        self.swarm.close()

    def _connect(self):
        self.swarm = Swarm(self.broker.port)
        for each in self.reporters:
            each.link = self.swarm.open(each)  # not in waves: a kill may come while they connect

    def _run_for(self, reports):
        goal = self.acknowledged() + reports

        def enough():
            return self.acknowledged() >= goal or all(each.done for each in self.reporters)

        self.swarm.run_until(enough, f"{reports} more acknowledgements", 60)


def prepare(broker, operator, plan):
    """Product, devices, package and a batch for all; returns the batch's id."""
    operator.ask("createProduct", productKey=PRODUCT)
    names = [f"d{index:04}" for index in range(plan.devices)]
    for start in range(0, len(names), 1000):
        operator.ask("registerDevices", productKey=PRODUCT, names=names[start:start + 1000])
    package = operator.add_package(PRODUCT, NEW)
    strategy = {"retries": 0, "abortSample": 0, "pushTimeout": "1h", "upgradeTimeout": "1h", "rebootTimeout": "1h"}
    batch = operator.ask("createBatch", package=package["id"], kind="verify", targets={"all": True}, strategy=strategy)
    operator.prepared(batch["id"])
    return batch["id"]


def inventory(operator):
    """{(device, module): version} as the store tells it."""
    return {(device["deviceName"], each["module"]): each["version"]
            for device in operator.pages("listDevices", productKey=PRODUCT, limit=50) for each in device["modules"]}


def claims(reporters):
    """{(device, module): version} as the acknowledgements say: the last one of each module counts."""
    said = {}
    for reporter in reporters:
        for report in reporter.acknowledged:
            params = dict(report.params)
            if report.verb == "inform":
                said[(reporter.name, params.get("module", "default"))] = params["version"]
    return said


def lost(operator, reporters, timeout=30):
    """The acknowledged versions that the store does not know, once its informs have settled."""
    said = claims(reporters)

    def missing():
        known = inventory(operator)
        return {place: version for place, version in said.items() if known.get(place) != version}

    with suppress(Late):
        until(lambda: not missing(), "the inventory to hold every acknowledged version", timeout)
    return missing()


def outcome(operator, batch, timeout=60):
    """{(device, version of the default module, state, cause)} once every task has ended; as it stands when one never does."""
    def ended():
        counts = operator.ask("getBatch", batch=batch)["counts"]
        return not any(count for state, count in counts.items() if state not in FINAL)

    with suppress(Late):
        until(ended, "every task to end", timeout)
    known = inventory(operator)
    return {(task["deviceName"], known.get((task["deviceName"], "default")), task["state"], task.get("cause"))
            for task in operator.pages("listTasks", batch=batch)}


def recount(operator, batch):
    """Sentences about kept counters that differ from what they count."""
    tasks = list(operator.pages("listTasks", batch=batch))
    told = operator.ask("getBatch", batch=batch)
    wrong = [f"batch counts {state}={count}" for state, count in told["counts"].items()
             if count != sum(task["state"] == state for task in tasks)]
    known = inventory(operator)
    for module in sorted({module for _, module in known}):
        versions = operator.ask("versionDistribution", productKey=PRODUCT, module=module)["versions"]
        kept = {each["version"]: each["count"] for each in versions}
        counted = {}
        for (_, of), version in known.items():
            if of == module:
                counted[version] = counted.get(version, 0) + 1
        if kept != counted:
            wrong.append(f"distribution of {module}: kept {kept}, counted {counted}")
    return wrong


class Result(NamedTuple):
    kills: int
    acknowledged: int
    lost: dict
    outcome: set
    wrong: list


def run(broker, plan):
    """A whole run on a fresh broker that is already started."""
    with broker.operator() as operator:
        batch = prepare(broker, operator, plan)
    fleet = Fleet(broker, plan)
    try:
        fleet.run()
        with broker.operator() as operator:
            return Result(fleet.kills, fleet.acknowledged(), lost(operator, fleet.reporters), outcome(operator, batch),
                          recount(operator, batch))
    finally:
        fleet.close()
