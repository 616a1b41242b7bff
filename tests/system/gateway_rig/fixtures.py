"""Fixtures of the gateway's and otactl's tests; their modules import them by name.

One gateway serves all tests, cleaned between them and started again when a test ended it: starting and stopping is most of what
such a test costs. A test that wants settings of its own makes its own with make_gateway.
"""

import pytest

from .fake_broker import FakeBroker
from .otactl import Otactl
from .process import Gateway


@pytest.fixture(scope="session")
def bench(tmp_path_factory):
    broker = FakeBroker().start()
    gateway = Gateway(tmp_path_factory.mktemp("bench") / "gateway", broker.url)
    yield broker, gateway
    gateway.stop()
    broker.stop()


@pytest.fixture
def fake_broker(bench):
    return bench[0].renew()


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
def gateway(bench, fake_broker):
    gateway = bench[1].renew()
    fake_broker.plugin.commands.clear()
    return gateway


@pytest.fixture
def web(gateway):
    return gateway.web()


@pytest.fixture
def otactl(gateway, tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    return Otactl(gateway.url, home)
