"""A simulated device: says every report until it is acknowledged, downloads what it is offered, and keeps a diary of what it
really did.

What becomes of an attempt is drawn from the run's seed, the device, the version and (where the device is told) the attempt, so
that a repeat of a push never changes it. A device that speaks our dialect is told batch and attempt; the others know a version
only.
"""

import json
import random
import time

from harness import packets
from harness.scenario import PRODUCT

# What a device may do with an offer, how often, and what the server has to conclude. A device that returned with its old version
# before the server gave it up has rolled back: both are true of one that stays away.
FATES = {
    "succeeds": (74, {"version_reported"}),
    "cannot": (3, {"upgrade_failed"}),
    "cannot download": (4, {"download_failed"}),
    "finds it damaged": (3, {"verify_failed"}),
    "cannot burn": (3, {"burn_failed"}),
    "rolls back": (4, {"rolled_back"}),
    "boots another": (3, {"wrong_version"}),
    "stays away": (2, {"lost", "rolled_back"}),
    "stalls": (2, {"upgrade_timeout"}),
    "is deaf": (2, {"push_timeout"}),
}
NEGATIVE = {"cannot": -1, "cannot download": -2, "finds it damaged": -3, "cannot burn": -4}
SLOW = ("stays away", "stalls", "is deaf")  # their end is a timer of the server
LATE = 10.0  # seconds; an attempt that the device ended so long ago has ended for the server
LOOP_BEFORE = 4  # deliveries for nothing; the sixth would bar the device


class Act:
    """One offer taken up."""

    def __init__(self, version, ours, fate):
        self.version = version
        self.ours = ours  # "batch:attempt", None where the device is not told
        self.fate = fate
        self.delivered = False
        self.over = 0.0  # when

    def __repr__(self):
        return f"{self.version}{' ' + self.ours if self.ours else ''} {self.fate}{'' if self.over else ' (unfinished)'}"


class Member:
    def __init__(self, crowd, number):
        self.crowd = crowd
        self.number = number
        self.name = f"d{number:04}"
        self.speaks = number % 2 == 0
        self.version = "1.0.0"
        self.boot = 1
        self.act = None
        self.acts = []
        self.wasted = 0  # deliveries since the version last changed
        self.link = None
        self.ready = False
        self.away = False
        self.connections = 0
        self.pushes = 0
        self._reports = []  # (verb, params), the first one is in flight
        self._mid = 0
        self._chance = random.Random(f"{crowd.seed}/{number}")

    @property
    def hello(self):
        self.connections += 1
        client_id = f"{PRODUCT}.{self.name}|securemode=3,_conn=tcp_{self.connections:x}|"
        return packets.connect(client_id, f"{self.name}&{PRODUCT}", "secret", keepalive=600)

    # --- connection ---

    def connect(self):
        if self.link is None and not self.away:
            self.link = self.crowd.swarm.open(self)

    def disconnect(self):
        if self.link:
            self.crowd.swarm.drop(self.link)
        self.link, self.ready = None, False

    def on_connack(self, link, code):
        if code:
            self.crowd.complain(f"{self.name} was refused: {code}")
            return
        self.ready = True
        delivered = self.act and self.act.delivered
        if not delivered and not (self._reports and self._reports[0][0] == "inform"):
            self._reports.insert(0, self._inform())
        self._send()

    def on_closed(self, link):
        self.link, self.ready = None, False
        self.crowd.later(self._chance.uniform(0.2, 2.0), self.connect)

    def blink(self):
        """The line is cut for a moment."""
        self.disconnect()
        self.crowd.later(self._chance.uniform(0.1, 2.0), self.connect)

    # --- reports ---

    def _inform(self):
        more = {"agent": "soak/1", "caps": [], "bootId": f"{self.name}-{self.boot}"} if self.speaks else {}
        return "inform", {"version": self.version, **more}

    def _say(self, step):
        params = {"step": str(step), "desc": self.act.fate}
        if self.act.ours:
            params["batch"], params["attempt"] = map(int, self.act.ours.split(":"))
        self._queue("progress", params)

    def _queue(self, verb, params):
        idle = not self._reports
        self._reports.append((verb, params))
        if self._chance.random() < 0.05:
            self._reports.append((verb, params))  # as a client that missed its PUBACK
        if idle:
            self._send()

    def _send(self):
        if not self._reports or not self.ready:
            return
        verb, params = self._reports[0]
        self._mid = self._mid % 65535 + 1
        payload = json.dumps({"id": self._mid, "params": params})
        self.link.send(packets.publish(f"/ota/device/{verb}/{PRODUCT}/{self.name}", payload, 1, self._mid))

    def on_packet(self, link, packet):
        if packet.kind == packets.PUBACK and packets.read_mid(packet) == self._mid and self._reports:
            verb, params = self._reports.pop(0)
            self.crowd.acknowledged += 1
            self._send()
            if verb == "progress" and params["step"] == "100" and self.act and self.act.delivered and not self._has_100():
                self.crowd.later(self._chance.uniform(0.1, 1.0), self._reboot, self.act)
        elif packet.kind == packets.PUBLISH:
            self._on_push(json.loads(packets.read_publish(packet).payload)["data"])

    def _has_100(self):
        return any(params.get("step") == "100" for _, params in self._reports)

    def say_late(self):
        """A report about an attempt that is over, as a broker in between may deliver it days later."""
        old = [act for act in self.acts if act.ours and act.over and act.fate not in SLOW and time.monotonic() - act.over > LATE]
        if not old or not self.ready:
            return
        batch, attempt = map(int, self._chance.choice(old).ours.split(":"))
        step = self._chance.choice((-4, -3, -2, -1, 0, 50, 100))
        self._reports.append(("progress", {"step": step, "desc": "late", "batch": batch, "attempt": attempt}))
        if len(self._reports) == 1:
            self._send()

    # --- an offer ---

    def _on_push(self, data):
        self.pushes += 1
        version, ours = data["version"], data.get("extData", {}).get("_ota")
        if version == self.version or (self.act and self.act.delivered):
            return
        if any((act.version, act.ours) == (version, ours) and (self.speaks or not act.over) for act in self.acts):
            return  # a repeat
        self._drop_act()
        self.act = Act(version, ours, self._draw(version, ours))
        self.acts.append(self.act)
        if self.act.fate == "is deaf":
            self._end_act()
            return
        self._say(0)
        self.crowd.download(self, self.act, data)

    def _draw(self, version, ours):
        if self.crowd.draw:
            return self.crowd.draw(self)
        if self.wasted >= LOOP_BEFORE:
            return "succeeds"
        names = [name for name in FATES if self.crowd.patient or name not in SLOW]
        weights = [FATES[name][0] for name in names]
        return random.Random(f"{self.crowd.seed}/{self.name}/{version}/{ours}").choices(names, weights)[0]

    def _drop_act(self):
        """Another package is wanted meanwhile: what was to be said about this one is not said."""
        if self.act:
            self.act.fate = "dropped"
            self._reports[1:] = [each for each in self._reports[1:] if each[0] == "inform"]
            self._end_act()

    def _end_act(self):
        self.act.over = time.monotonic()
        self.act = None

    def on_downloaded(self, act, problem):
        """By the crowd. problem: what kept the bytes away, "" for nothing."""
        if act is not self.act:
            return
        if problem:
            act.fate = "cannot download"
            act.problem = problem
        for step in (self._chance.randrange(1, 30), self._chance.randrange(30, 60)):
            self._say(step)
        if act.fate == "stalls":
            self._end_act()
        elif act.fate in NEGATIVE:
            self._say(NEGATIVE[act.fate])
            self._end_act()
        else:
            act.delivered = True
            self._say(100)

    def _reboot(self, act):
        if act is not self.act:
            return
        self.disconnect()
        before = self.version
        if act.fate == "succeeds":
            self.version = act.version
        elif act.fate == "boots another":
            self.version = f"9.{self.number}.{len(self.acts)}"
        self.boot += 1
        self.wasted = 0 if self.version != before else self.wasted + 1
        self._reports = []
        self.away = True
        self.crowd.later(self.crowd.absence if act.fate == "stays away" else self._chance.uniform(0.3, 2.0), self._boot)
        self._end_act()

    def _boot(self):
        self.away = False
        self.connect()

    @property
    def busy(self):
        return bool(self.act or self.away or self._reports)
