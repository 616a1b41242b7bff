"""Operators over the whole way: what happens is seen as it happens, once and in order."""

import json
import threading

import pytest

from gateway_rig.whole import otactl, system  # noqa: F401
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
