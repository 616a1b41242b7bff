"""libota-agent, as examples/device.c uses it."""

import subprocess

import pytest

from agent_fixtures import content, plain_broker, pytestmark, server, web  # noqa: F401
from harness import places

EXAMPLE = places.BUILD / "agent" / "device"
NEW = content(100_000)


@pytest.fixture
def device(tmp_path, plain_broker):
    process = subprocess.Popen([str(EXAMPLE), f"mqtt://127.0.0.1:{plain_broker.port}", "pk1", "dev1", str(tmp_path)])
    yield tmp_path
    process.terminate()
    assert process.wait(15) == 0


def test_the_example_device_updates_itself(device, server, web):
    server.expect_inform(version="1.0.0")
    server.push("2.0.0", web.add("/new", NEW), NEW)
    server.expect_progress(100)
    server.expect_inform(version="2.0.0", batch=7, attempt=1)
    assert (device / "firmware").read_bytes() == NEW
