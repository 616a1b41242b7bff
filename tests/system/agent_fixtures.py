"""Fixtures of the agent's tests: a plain broker, the server's side of the conversation, packages over HTTP, and agents."""

import random

import pytest

from harness.agent import PROGRAM, Agent, Server
from harness.web import Web

pytestmark = [
    pytest.mark.needs_no_plugin,
    pytest.mark.skipif(not PROGRAM.exists(), reason=f"no agent at {PROGRAM}: build first"),
]


@pytest.fixture
def plain_broker(new_broker):
    """Mosquitto without the plugin: the test is the server."""
    return new_broker(plugin=False).start()


@pytest.fixture
def server(plain_broker):
    made = Server(plain_broker)
    yield made
    made.close()


@pytest.fixture
def web():
    made = Web()
    yield made
    made.close()


@pytest.fixture
def make_agent(tmp_path, plain_broker):
    made = []

    def make(name="agent", **keys):
        made.append(Agent(tmp_path / name, plain_broker.port, **keys))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def agent(make_agent):
    return make_agent().provision()


def content(size, seed=1):
    return random.Random(seed).randbytes(size)
