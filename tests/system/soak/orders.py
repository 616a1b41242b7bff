"""The operator of a soak, over REST as a person's tools would: uploads, batches, second thoughts. Whatever does not answer is
asked again, under the same id, so that nothing is ordered twice."""

import hashlib
import json
import random
import time

from harness.control import FINAL
from harness.scenario import PRODUCT
from harness.wait import Late

PATIENCE = 120.0  # seconds for one order to be answered
BATCHES = 8  # at a time


class Refused(AssertionError):
    """An answer no misfortune explains."""


class Rest:
    """Orders that are asked again until they are answered."""

    def __init__(self, gateway, token):
        self.gateway = gateway
        self.token = token
        self.asked_again = 0
        self._number = 0

    def order(self, command, **members):
        self._number += 1
        return self._until_answered("POST", f"/api/v1/{command}", json.dumps(members).encode(), f"soak-{self._number}")

    def upload(self, target, body):
        self._number += 1
        return self._until_answered("PUT", target, body, f"soak-{self._number}")

    def get(self, target):
        return self._until_answered("GET", target, None, None)

    def pages(self, target):
        after = ""
        while True:
            page = self.get(f"{target}{'&' if '?' in target else '?'}limit=500{after}")
            yield from page["items"]
            if not page.get("next"):
                return
            after = f"&after={page['next']}"

    def _until_answered(self, method, target, body, key):
        end = time.monotonic() + PATIENCE
        seen = None
        while time.monotonic() < end:
            try:
                answer = self.gateway.web(self.token).request(method, target, body, {"Idempotency-Key": key} if key else None)
                seen = f"{answer.status} {answer.body[:300]!r}"
            except (OSError, ValueError, IndexError) as error:
                answer, seen = None, repr(error)
            if answer and answer.status < 300:
                return answer.json
            if answer and answer.status not in (413, 500, 503):
                raise Refused(f"{method} {target}: {seen}")
            self.asked_again += 1
            time.sleep(0.2)
        raise Late(f"{method} {target} is not answered within {PATIENCE:g} s: {seen}")


class Batch:
    def __init__(self, number, version, names, speaking):
        self.number = number
        self.version = version
        self.names = set(names)
        self.speaking = speaking  # all of its devices name batch and attempt
        self.level = None  # how it was taken back
        self.counts = {}
        self.plan = []  # (time, what to do)


class Operator:
    """Keeps some batches running until told to end them. In one thread."""

    def __init__(self, rest, crowd, agents, seed, timeouts):
        self.rest = rest
        self.crowd = crowd
        self.agents = agents  # names
        self.timeouts = timeouts
        self.batches = {}  # id -> Batch, of the whole run
        self.open = []
        self.images = {}  # version -> bytes
        self._chance = random.Random(f"operator/{seed}")

    def prepare(self):
        """Product and devices."""
        self.rest.order("createProduct", productKey=PRODUCT)
        names = [member.name for member in self.crowd.members] + self.agents
        for start in range(0, len(names), 500):
            self.rest.order("registerDevices", productKey=PRODUCT, names=names[start:start + 500])

    def turn(self, ordering=True):
        """One look at everything."""
        for batch in list(self.open):
            self._look(batch)
        if ordering and len(self.open) < BATCHES:
            self._begin()

    def _begin(self):
        number = len(self.batches) + 1
        version = f"2.{number}.0"
        # The version at its end is what truth.py reads.
        image = self._chance.randbytes(self._chance.randrange(1000, 100_000)) + b"\0" + version.encode()
        self.images[version] = image
        query = f"productKey={PRODUCT}&version={version}&sha256={hashlib.sha256(image).hexdigest()}"
        package = self.rest.upload(f"/api/v1/packages?{query}", image)
        speaking = self._chance.random() < 0.3
        members = [member for member in self.crowd.members if member.speaks or not speaking]
        names = [member.name for member in self._chance.sample(members, min(len(members), self._chance.randrange(20, 100)))]
        names += [] if speaking else self._chance.sample(self.agents, len(self.agents) // 2)
        strategy = {**self.timeouts, "retries": self._chance.randrange(3), "retryPause": "1s", "abortSample": 0,
                    "soak": self._chance.choice(("0s", "0s", "1s"))}
        made = self.rest.order("createBatch", package=package["id"], kind="verify", onConflict="skip", targets={"names": names},
                               strategy=strategy)
        batch = Batch(made["id"], version, names, speaking)
        self.batches[batch.number] = batch
        self.open.append(batch)
        self._plan(batch)

    def _plan(self, batch):
        """Second thoughts about some of them."""
        now, draw = time.monotonic(), self._chance.random()
        if draw < 0.2:
            batch.plan = [(now + 0.5, "pauseBatch"), (now + 0.5 + self._chance.uniform(0.5, 5), "resumeBatch")]
        elif draw < 0.3:
            batch.plan = [(now + self._chance.uniform(0.2, 4), "cancelBatch")]

    def _look(self, batch):
        told = self.rest.get(f"/api/v1/batches/{batch.number}")
        batch.counts = told["counts"]
        unfinished = sum(count for state, count in batch.counts.items() if state not in FINAL)
        if told["state"] in ("completed", "canceled") and not unfinished:
            self.open.remove(batch)
        elif batch.plan and batch.plan[0][0] <= time.monotonic() and told["state"] in ("running", "paused"):
            self._change(batch, batch.plan.pop(0)[1])

    def _change(self, batch, command):
        more = {}
        if command == "cancelBatch":
            batch.level = self._chance.choice(("withdraw", "revoke")) if batch.speaking else "withdraw"
            more = {"level": batch.level}
        try:
            self.rest.order(command, batch=batch.number, reason="soak", **more)
        except Refused as error:
            if " 409 " not in str(error):  # it has ended meanwhile
                raise

    def drain(self, patience):
        """Until every batch has ended; the batches that have not."""
        end = time.monotonic() + patience
        while self.open and time.monotonic() < end:
            self.turn(ordering=False)
            time.sleep(0.2)
        return self.open
