"""Generated control requests and device messages against control, engine and store in one process."""

import json
import os
import time
from random import Random

from harness import schemas
from surface.mutate import Maker, World, text_of
from surface.outcome import shape_problem

from harness.desk import Desk, Died, frames_of

MESSAGE_SHARE = 0.2  # of the frames; requests are counted, messages come on top
DEADLINE = 5  # seconds for one frame, sanitizers and a busy machine included
# AddressSanitizer keeps 256 MiB of what was freed before it gives it out again.
QUARANTINE = 320 * 1024 * 1024 if os.environ.get("OTA_SAN") == "address" else 0
GROWTH_MAX = 96 * 1024 * 1024 + QUARANTINE  # of the resident set after the first tenth; the store's page cache is in it
NOT_AT_THE_DESK = ("backupServer", "checkServer", "getJob")  # need a thread beside the worker's
CODES = ("invalid", "not_found", "conflict", "denied", "limit")


class Failure(Exception):
    """Why, and what was sent."""

    def __init__(self, why, sent=None):
        super().__init__(why if sent is None else f"{why}\n  sent: {text_of(sent)[:4000]}")


def response_problem(response):
    """What is wrong with one answer of a request."""
    if not {"command"} <= set(response) <= {"command", "correlationData", "data", "error"}:
        return f"members: {sorted(response)}"
    if ("data" in response) == ("error" in response):
        return "neither data nor error, or both"
    if "error" in response:
        away = response["command"] in NOT_AT_THE_DESK and response["error"].get("code") == "unavailable"
        if response["error"].get("code") not in CODES and not away:
            return f"the code {response['error'].get('code')}: {response['error']}"
        return shape_problem({"error": response["error"]})
    found = schemas.errors(f"command/{response['command']}#/$defs/data", response["data"])
    return "; ".join(found[:3]) or None


def answer_problem(answer):
    if len(answer) > 65536:
        return f"an answer of {len(answer)} bytes"
    try:
        responses = json.loads(answer.decode("utf-8"))["responses"]
    except ValueError as failure:
        return f"an answer nobody can read: {failure}: {answer[:500]!r}"
    if not responses:
        return "no response"
    return next(filter(None, map(response_problem, responses)), None)


class Run:
    """One seed's requests, in order."""

    def __init__(self, home, seed, record):
        self.desk = Desk(home / "store", record)
        self.maker = Maker(Random(seed), World(self.desk.artifacts), self.desk.token)
        self.answered = {"data": 0, "error": 0}
        self.slowest = 0.0

    def begin(self):
        """A small world: products, devices, packages, so that commands find something."""
        for product in self.maker.world.products[:3]:
            self.desk.ask("createProduct", productKey=product)
            self.desk.ask("registerDevices", productKey=product, names=self.maker.world.devices)
            for version in self.maker.world.versions[:3]:
                size, sha256, md5 = self.desk.artifacts[0]
                self.desk.ask("addPackage", productKey=product, version=version, size=size, sha256=sha256, md5=md5)

    def step(self):
        begun = time.monotonic()
        if self.maker.chance(MESSAGE_SHARE):
            sent = self.maker.message()
            self.desk.message(*sent)
            sent, problem = b" ".join((sent[0].encode("utf-8", "replace"), sent[1])), None
            counted = 0
        else:
            sent = self.maker.request()
            answer = self.desk.request(sent)
            problem = answer_problem(answer)
            self.answered["data" if b'"data":' in answer else "error"] += 1
            counted = 1
        took = time.monotonic() - begun
        self.slowest = max(self.slowest, took)
        if problem or took > DEADLINE:
            raise Failure(problem or f"took {took:.1f} s", sent)
        return counted

    def go(self, count):
        """Sends that many requests; returns figures."""
        self.begin()
        done, base = 0, 0
        while done < count:
            done += self.step()
            if not base and done >= count // 10:
                base = self.desk.resident_bytes()
        growth = self.desk.resident_bytes() - base
        if growth > GROWTH_MAX:
            raise Failure(f"the resident set grew by {growth >> 20} MiB")
        if problem := self.desk.close():
            raise Failure(f"the store at the end: {problem}")
        return {"requests": done, "carried out": self.answered["data"], "refused": self.answered["error"],
                "slowest_ms": round(self.slowest * 1000), "grown_kib": growth >> 10}


def fuzz(home, seed, count, record):
    """Figures; Failure with the frames in `record`."""
    run = Run(home, seed, record)
    try:
        return run.go(count)
    except Died as died:
        raise Failure(str(died)) from None
    finally:
        run.desk.kill()


def replay(home, record):
    """Sends a record's frames again. The token in them is of another desk; a new one is put in its place."""
    desk = Desk(home / "store")
    old = None
    try:
        for frame in frames_of(record):
            if old is None:
                old = json.loads(frame[1:])["commands"][0]["token"].encode()
            answer = desk.frame(frame.replace(old, desk.token.encode()))
            if frame[:1] == b"c" and (problem := answer_problem(answer)):
                raise Failure(problem, frame)
        if problem := desk.close():
            raise Failure(f"the store at the end: {problem}")
    except Died as died:
        raise Failure(str(died), frame) from None
    finally:
        desk.kill()
