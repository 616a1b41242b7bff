"""Fixtures of tests that go the whole way: otactl, a real gateway, a real broker. Their modules import them by name."""

import pytest

from .otactl import Otactl
from .process import Gateway


@pytest.fixture
def system(new_broker, tmp_path):
    """A broker and a gateway that know of each other. The gateway is up first: it waits for its broker."""
    broker = new_broker()
    gateway = Gateway(tmp_path / "gateway", f"mqtt://127.0.0.1:{broker.port}", package_dir=broker.package_dir)
    gateway.start()
    broker.config.set_option("ota_gateway_url", gateway.url)
    broker.config.set_option("ota_url_key_file", gateway.key_file)
    broker.start()
    gateway.wait_broker()
    yield broker, gateway
    gateway.stop()


@pytest.fixture
def otactl(system, tmp_path):
    broker, gateway = system
    return Otactl(gateway.url, tmp_path, token=broker.admin_token())
