"""Fixtures of the gateway's and otactl's tests; their modules import them by name."""

import pytest

from .fake_broker import FakeBroker
from .otactl import Otactl
from .process import Gateway


@pytest.fixture
def fake_broker():
    broker = FakeBroker().start()
    yield broker
    broker.stop()


@pytest.fixture
def plugin(fake_broker):
    return fake_broker.plugin


@pytest.fixture
def make_gateway(tmp_path, fake_broker):
    made = []

    def make(name="gateway", **settings):
        made.append(Gateway(tmp_path / name, fake_broker.url, **settings))
        return made[-1]

    yield make
    for each in made:
        each.stop()


@pytest.fixture
def gateway(make_gateway):
    return make_gateway().start().wait_broker()


@pytest.fixture
def web(gateway):
    return gateway.web()


@pytest.fixture
def otactl(gateway, tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    return Otactl(gateway.url, home)
