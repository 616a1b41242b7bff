"""What the others feel of hostile devices: how long their reports wait for the acknowledgement and for being applied, and how
long a foreign client's message takes; quiet and under attack in turn, with the plugin and without it.

Applied: the answer to a pull that a device sends right behind its report. The worker decides it after the report, from the
report.

Where it may (as root) it schedules itself and the brokers before all else, so that neither the attackers, which are on other
machines in life, nor what this machine does besides are in the figures.
"""

import os
import time

from harness import packets
from harness.attacks import ATTACKS, SECRET, Attackers
from harness.scenario import PRODUCT
from harness.swarm import Swarm

from felt import Device, Probe, Trips, prefer
from measure import quantile, rss_kib, table

PERIOD = 0.005     # between two reports of the fleet: each round trip is measured by itself
PULL_EACH = 3      # a device may pull six times a minute
ONSET = 10         # turns of a window before the attack begins
ATTACKERS = 4      # devices an attack comes from
PATIENCE = 5       # seconds for what is still on its way at the end of a window
KINDS = ("acknowledged", "applied", "foreign")


class Fleet:
    """The well-behaved devices of one broker, and the probe."""

    def __init__(self, broker, swarm, names, pulls):
        self.swarm, self.pulls, self.number = swarm, pulls, 0
        self.broker, self.trips = broker, Trips(KINDS)
        self.devices = [Device(name, self.trips) for name in names]
        self.probe = Probe(self.trips)
        swarm.connect_all([*self.devices, self.probe])

    def window(self, seconds, attack=None):
        """{kind: round trips in ms}, and how many came to nothing. The attack begins in the window: its first moments are the
        worst.
        """
        self.trips.begin()
        begin = time.monotonic()
        for turn in range(int(seconds / PERIOD)):
            at = begin + turn * PERIOD
            while (left := at - time.monotonic()) > 0:
                self.swarm.turn(left)
            self.number += 1
            device = self.devices[self.number % len(self.devices)]
            device.report(self.number, self.pulls and self.number % PULL_EACH == 0)
            self.probe.say(self.number)
            if attack and turn == ONSET:
                attack()
            self.swarm.turn(0)
        end = time.monotonic() + PATIENCE
        while self.trips.waiting and time.monotonic() < end:
            self.probe.link.send(packets.pingreq())  # an idle broker turns ten times a second, a busy one all the time
            self.swarm.turn(PERIOD)
        return self.trips.took, self.trips.waiting


class Side:
    """One broker, and what was measured on it: {(attack, kind, under attack): [ms]}."""

    def __init__(self, fleet):
        self.fleet, self.took, self.lost, self.grown = fleet, {}, 0, {}

    def once(self, name, serial, seconds):
        self._note(name, seconds)
        names = [f"evil-{serial}-{number}" for number in range(ATTACKERS)]
        before = rss_kib(self.fleet.broker.process.pid)
        with Attackers(ATTACKS[name], self.fleet.broker.port, names) as attackers:
            self._note(name, seconds, attackers.go)
        self.grown[name] = self.grown.get(name, 0) + rss_kib(self.fleet.broker.process.pid) - before

    def _note(self, name, seconds, attack=None):
        took, lost = self.fleet.window(seconds, attack)
        self.lost += lost
        for kind in KINDS:
            self.took.setdefault((name, kind, bool(attack)), []).extend(took[kind])

    def p99(self, name, kind):
        """Quiet, and under attack."""
        return [quantile(self.took[name, kind, attacked], 0.99) for attacked in (False, True)]

    def ratio(self, name, kind):
        quiet, attacked = self.p99(name, kind)
        return attacked / quiet


def _register(operator, names):
    operator.ask("createProduct", productKey=PRODUCT)
    for start in range(0, len(names), 500):
        operator.ask("importDevices", productKey=PRODUCT,
                     devices=[{"deviceName": name, "secret": SECRET} for name in names[start:start + 500]])


def _evil_names(serials):
    return [f"evil-{serial}-{number}" for serial in range(serials) for number in range(ATTACKERS)]


def run(make_broker, only, devices, rounds, seconds):
    attacks = [name for name in ATTACKS if not only or only in name]
    names = [f"d{number:04}" for number in range(devices)]
    with_plugin, without = make_broker(plugin=True, options={"device_auth": "triple"}), make_broker(plugin=False)
    prefer(os.getpid(), with_plugin.process.pid, without.process.pid)
    with with_plugin.operator() as operator:
        _register(operator, names + _evil_names(len(attacks) * rounds))
    with Swarm(with_plugin.port) as first, Swarm(without.port) as second:
        sides = {"with": Side(Fleet(with_plugin, first, names, True)), "without": Side(Fleet(without, second, names, False))}
        for turn in range(rounds):  # side by side, so that a slow moment of the machine meets all of them
            for place, name in enumerate(attacks):
                for side in sides.values():
                    side.once(name, turn * len(attacks) + place, seconds)
        _print(attacks, sides, devices, rounds, seconds)


def _print(attacks, sides, devices, rounds, seconds):
    ours, bare = sides["with"], sides["without"]
    table(f"Others' p99 in ms: {devices} devices and a foreign client, {ATTACKERS} hostile devices, {rounds} rounds of "
          f"{seconds:g} s quiet, then attacked",
          ["", *(f"{kind}{when}" for kind in KINDS for when in ("", ", attacked"))],
          [[name, *(figure for kind in KINDS for figure in ours.p99(name, kind))] for name in attacks])
    table("p99 attacked / quiet; the last two on a broker without the plugin",
          ["", *KINDS, "acknowledged, bare", "foreign, bare"],
          [[name, *(ours.ratio(name, kind) for kind in KINDS), bare.ratio(name, "acknowledged"), bare.ratio(name, "foreign")]
           for name in attacks])
    table("The whole", ["", "lost round trips", "MiB grown under attack"],
          [[f"{which} plugin", side.lost, sum(side.grown.values()) / 1024] for which, side in sides.items()])
