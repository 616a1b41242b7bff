"""Half an hour of bad luck for a whole fleet, and the reckoning: `make soak`, or in tests/system

    /usr/bin/python3 -m soak [--minutes 30] [--devices 500] [--agents 4] [--seed 1]

500 simulated devices and some agents as real processes are updated by one batch after the other, while one misfortune a minute
befalls the programs (faults.py). In the end every task must be final with a cause that the device's own diary confirms
(truth.py), and broker and gateway may have grown by less than 1 MiB over the second half.

Memory is compared over one life of a process, in two quiet moments without work: the first in the middle of the run, the second
at its end. So in the first half everything happens, and in the second half everything but what ends the broker or the gateway;
the last quarter of the first half is without such ends as well, so that a young process's first growth is not counted.

Its last line is `soak: N minutes, F faults, T tasks, W wrong, broker +x KiB, gateway +y KiB`; it ends with 0 only if W is 0 and
both are below 1024.
"""

import argparse
import random
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from harness import places
from harness.wait import until

from . import memory, truth
from .crowd import Crowd
from .faults import Misfortune, Stage
from .orders import Operator, Rest
from .rig import Rig

GROWTH_MAX = 1024  # KiB


class Plan(NamedTuple):
    seconds: float
    devices: int
    agents: int
    every: float  # seconds between two faults
    longest: float  # seconds a fault may last
    patient: bool  # some ends of tasks are left to the server's timers
    timeouts: dict
    drain: float  # seconds that the open batches may take to their end
    look: float  # seconds that a process is looked at for its least memory
    seed: int


def long_plan(minutes, devices, agents, seed):
    timeouts = {"pushTimeout": "40s", "upgradeTimeout": "60s", "rebootTimeout": "40s"}
    return Plan(seconds=minutes * 60, devices=devices, agents=agents, every=60, longest=8, patient=True, timeouts=timeouts,
                drain=600, look=3, seed=seed)


def short_plan(seed):
    """The same in seconds: no timer of the server is waited for, since none could be both short and sure."""
    timeouts = {"pushTimeout": "5m", "upgradeTimeout": "5m", "rebootTimeout": "5m"}
    return Plan(seconds=6, devices=40, agents=1, every=0.6, longest=0.4, patient=False, timeouts=timeouts, drain=60, look=0.2,
                seed=seed)


class Result(NamedTuple):
    plan: Plan
    faults: int
    tasks: list
    wrong: list
    growth: dict  # program -> (Memory, Memory), or nothing when the process is not the same

    def grown(self, name):
        before, after = self.growth[name]
        return after.total - before.total if before.pid == after.pid else None

    def line(self):
        sizes = [f"{name} {'restarted' if self.grown(name) is None else f'{self.grown(name):+d} KiB'}" for name in self.growth]
        return (f"soak: {self.plan.seconds / 60:.3g} minutes, {self.faults} faults, {len(self.tasks)} tasks, "
                f"{len(self.wrong)} wrong, {', '.join(sizes)}")

    def good(self):
        return not self.wrong and all(self.grown(name) is not None and self.grown(name) < GROWTH_MAX for name in self.growth)


class Soak:
    def __init__(self, home, plan, tell):
        self.plan = plan
        self.tell = self._stamped(tell)
        self.rig = Rig(home, plan.agents)
        self.crowd = Crowd(self.rig.broker.port, plan.devices, plan.seed, plan.patient, absence=90)
        self.operator = None
        self.misfortune = Misfortune(Stage(self.rig, self.crowd, random.Random(plan.seed), plan.longest), plan.every, self.tell)

    @staticmethod
    def _stamped(tell):
        began = time.monotonic()
        return lambda words: tell(f"{time.monotonic() - began:7.1f}  {words}")

    def run(self):
        with ExitStack() as ends:  # the last one comes first
            ends.callback(self.rig.close)
            ends.callback(self.crowd.stop)
            ends.callback(self.misfortune.end)
            self.rig.start()
            return self._run()

    def _run(self):
        rest = Rest(self.rig.gateway, self.rig.broker.admin_token())
        names = [agent.keys["device_name"] for agent in self.rig.agents]
        self.operator = Operator(rest, self.crowd, names, self.plan.seed, self.plan.timeouts)
        self.operator.prepare()
        self.crowd.start()
        self.misfortune.start()
        half = self.plan.seconds / 2
        self._work(0.75 * half)
        self.misfortune.may_restart = False
        self._work(0.25 * half)
        first = self._quiet("the middle")
        self._work(half)
        self.misfortune.end()
        self.rig.wait_up()
        last = self._quiet("the end")
        return self._reckon(first, last)

    def _work(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.operator.turn()
            self.rig.revive()
            if self.misfortune.failure:
                raise self.misfortune.failure
            time.sleep(0.1)

    def _quiet(self, when):
        """No batch open, no device at work: the memory of the two servers."""
        left = self.operator.drain(self.plan.drain)
        for batch in left:
            self.tell(f"batch {batch.number} has not ended: {batch.counts}")
        until(self.crowd.idle, "every device to rest", 180)
        self.rig.check_alive()
        looks = {"broker": memory.quietest(self.rig.broker.process, self.plan.look),
                 "gateway": memory.quietest(self.rig.gateway.process, self.plan.look)}
        self.tell(f"{when}: {len(self.operator.batches)} batches, {self.crowd.acknowledged} reports, {self.crowd.downloads} "
                  f"downloads, {self.operator.rest.asked_again} orders asked again, {self.rig.ended} agents ended; {looks}")
        return looks

    def _reckon(self, first, last):
        tasks = truth.of_batches(self.operator)
        agents = {agent.keys["device_name"]: agent for agent in self.rig.agents}
        wrong = truth.wrong(self.operator, self.crowd, agents, tasks) + self.crowd.complaints
        growth = {name: (first[name], last[name]) for name in first}
        return Result(self.plan, self.misfortune.count, tasks, wrong, growth)


def arguments():
    parser = argparse.ArgumentParser(prog="soak", description="a fleet, its updates, and one misfortune after the other")
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--devices", type=int, default=500)
    parser.add_argument("--agents", type=int, default=4)
    parser.add_argument("--seed", type=int, default=None, help="drawn and printed when absent")
    return parser.parse_args()


def main():
    given = arguments()
    seed = random.SystemRandom().randrange(1 << 32) if given.seed is None else given.seed
    print(f"seed {seed}", flush=True)
    home = Path(tempfile.mkdtemp(prefix="ota-soak-"))
    result = None
    try:
        plan = long_plan(given.minutes, given.devices, given.agents, seed)
        result = Soak(home, plan, lambda words: print(words, flush=True)).run()
        for sentence in result.wrong:
            print(sentence)
        causes = {}
        for _, task in result.tasks:
            causes[task.get("cause")] = causes.get(task.get("cause"), 0) + 1
        print(f"causes: {causes}")
        print(result.line())
    finally:
        if result and result.good():
            places.remove(home)
        else:
            print(f"logs and stores of this run: {home}", file=sys.stderr)
    return 0 if result.good() else 1


if __name__ == "__main__":
    sys.exit(main())
