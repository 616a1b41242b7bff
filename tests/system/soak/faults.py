"""The misfortunes of a soak. One table; each takes the stage, happens, and puts everything back."""

import random
import threading
import time
from typing import Callable, NamedTuple

from .stranger import Stranger, VISITS


class Stage(NamedTuple):
    rig: object
    crowd: object
    chance: random.Random
    longest: float  # seconds that a misfortune may last


def _while(stage):
    return stage.chance.uniform(0.1, 1.0) * stage.longest


def kill_broker(stage):
    stage.rig.kill_broker(_while(stage))


def kill_gateway(stage):
    stage.rig.kill_gateway(_while(stage))


def kill_agents(stage):
    for agent in stage.rig.agents:
        if stage.chance.random() < 0.5:
            stage.rig.kill_agent(agent)


def freeze_broker(stage):
    stage.rig.freeze(stage.rig.broker.process, _while(stage))


def freeze_gateway(stage):
    stage.rig.freeze(stage.rig.gateway.process, _while(stage))


def freeze_agent(stage):
    if stage.rig.agents:
        stage.rig.freeze(stage.chance.choice(stage.rig.agents).process, _while(stage))


def _fill(stage, name):
    disk = stage.rig.disks[name]
    disk.fill()
    try:
        time.sleep(_while(stage))
    finally:
        disk.clear()


def fill_store(stage):
    _fill(stage, "store")


def fill_packages(stage):
    _fill(stage, "packages")


def fill_agents(stage):
    _fill(stage, "agents")


def blink(stage):
    """A third of the lines is cut at once."""
    def cut():
        for member in stage.crowd.members:
            if member.ready and stage.chance.random() < 0.33:
                member.blink()

    stage.crowd.call(cut)


def late_reports(stage):
    """Reports about attempts that are long over."""
    def say():
        for member in stage.crowd.members:
            member.say_late()

    stage.crowd.call(say)


def strangers(stage):
    """Who is not registered, who speaks for others, who speaks nonsense."""
    for number in range(len(VISITS)):
        stage.crowd.call(stage.crowd.swarm.open, Stranger(stage.crowd, number, stage.chance.randrange(1 << 30)))
    time.sleep(_while(stage))


class Fault(NamedTuple):
    words: str
    happen: Callable
    restarts: bool  # ends the broker or the gateway, so that its memory cannot be compared over it


FAULTS = (
    Fault("kill -9 of the broker", kill_broker, True),
    Fault("kill -9 of the gateway", kill_gateway, True),
    Fault("kill -9 of agents", kill_agents, False),
    Fault("the broker stands still", freeze_broker, False),
    Fault("the gateway vanishes and returns", freeze_gateway, False),
    Fault("an agent stands still", freeze_agent, False),
    Fault("disk full under the store", fill_store, False),
    Fault("disk full under the packages", fill_packages, False),
    Fault("disk full under the agents", fill_agents, False),
    Fault("a third of the devices loses its line", blink, False),
    Fault("late reports", late_reports, False),
    Fault("strangers", strangers, False),
)


class Misfortune(threading.Thread):
    """One fault in each interval, at a random moment of it, from a shuffled deck so that every kind comes."""

    def __init__(self, stage, every, tell):
        super().__init__(name="misfortune", daemon=True)
        self.stage = stage
        self.every = every
        self.tell = tell
        self.count = 0
        self.failure = None
        self.may_restart = True
        self._deck = []
        self._over = threading.Event()

    def run(self):
        try:
            while not self._over.is_set():
                moment = self.stage.chance.uniform(0, 0.7) * self.every
                if self._over.wait(moment):
                    return
                self._one(self._draw())
                self._over.wait(self.every - moment)
        except Exception as error:  # told by whoever joins
            self.failure = error

    def end(self):
        """When it returns, everything is put back and nothing more happens."""
        self._over.set()
        if self.is_alive():
            self.join()
        if self.failure:
            raise self.failure

    def _draw(self):
        while True:
            if not self._deck:
                self._deck = list(FAULTS)
                self.stage.chance.shuffle(self._deck)
                self._deck.sort(key=lambda fault: fault.restarts)  # taken from its end: soon there is no time for those any more
            fault = self._deck.pop()
            if self.may_restart or not fault.restarts:
                return fault

    def _one(self, fault):
        began = time.monotonic()
        fault.happen(self.stage)
        self.count += 1
        self.tell(f"fault {self.count}: {fault.words}, {time.monotonic() - began:.1f} s")
