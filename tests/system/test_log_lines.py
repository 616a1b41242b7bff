"""What operators find in the logs after a whole rollout: every line parses, carries its ids, is said once, and they are few."""

import collections
import re
import urllib.request

import pytest

from gateway_rig.whole import system  # noqa: F401
from harness.agent import PROGRAM, Agent
from harness.device import Device
from harness.log_lines import IDS, pairs_of, plugins_lines
from harness.scenario import PRODUCT
from harness.wait import DEADLINE, until

pytestmark = pytest.mark.skipif(not PROGRAM.exists(), reason=f"no agent at {PROGRAM}: build first")

SIMULATED = 19
AGENT = "real-01"
OLD, NEW = b"image of 1.0.0", b"image of 2.0.0 " * 1000

TIMED = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (debug|info|warning|error) (.*)")


def programs_lines(path):
    """Of a program with a log of its own: (level, event, pairs)."""
    lines = []
    for line in path.read_text().splitlines():
        timed = TIMED.fullmatch(line)
        assert timed, f"{path.name}: {line}"
        lines.append((timed[1], *pairs_of(timed[2])))
    return lines


def upgrade(device):
    push = device.expect_push().data
    with urllib.request.urlopen(push["url"], timeout=DEADLINE) as answer:
        assert answer.read() == NEW
    for step in (0, 50, 100):
        device.progress(step)
    device.inform("2.0.0")


@pytest.fixture
def rollout(system, tmp_path):  # noqa: F811
    """Twenty devices, one of them the real agent, through one batch; then everything is stopped, so that logs are whole."""
    broker, gateway = system
    agent = Agent(tmp_path / "agent", broker.port, product_key=PRODUCT, device_name=AGENT, log_level="info")
    agent.provision(OLD, "1.0.0")
    with broker.operator() as operator:
        names = [f"d{i}" for i in range(SIMULATED)] + [AGENT]
        operator.ask("createProduct", productKey=PRODUCT)
        operator.ask("registerDevices", productKey=PRODUCT, names=names)
        devices = [Device(broker, PRODUCT, name).connect() for name in names[:-1]]
        for device in devices:
            device.inform("1.0.0")
        agent.start()
        until(lambda: operator.ask("versionDistribution", productKey=PRODUCT)["versions"] == [{"version": "1.0.0", "count": 20}],
              "all have informed")
        web = gateway.web(token=operator.token)
        package = web.put(f"/api/v1/packages?productKey={PRODUCT}&version=2.0.0", NEW).json["id"]
        batch = operator.ask("createBatch", package=package, kind="verify", targets={"all": True})["id"]
        for device in devices:
            upgrade(device)
        until(lambda: operator.ask("getBatch", batch=batch)["state"] == "completed", "the batch has ended")
        until(lambda: broker.log().count("ota: fetched ") == len(names), "the gateway has told of all downloads")
        for device in devices:
            device.close()
    agent.close()
    gateway.stop()
    broker.stop()
    return broker, gateway, agent, batch


def check_plugin(said, batch):
    of_tasks = collections.Counter()
    for event, pairs in said:
        if "task" in pairs:
            assert set(pairs) >= set(IDS) and pairs["batch"] == str(batch) and pairs["product"] == PRODUCT, (event, pairs)
            of_tasks[(event, pairs["device"])] += 1
    assert set(of_tasks.values()) == {1}, [row for row in of_tasks.items() if row[1] > 1]
    assert {event for event, _ in of_tasks} == {"pushed", "upgrading", "fetched", "delivered", "succeeded"}
    # A healthy rollout: two versions and five steps for each device, and a handful for the server and the batch.
    events = collections.Counter(event for event, _ in said)
    assert events["version"] == 2 * (SIMULATED + 1) and events["succeeded"] == SIMULATED + 1, events
    assert sum(events.values()) <= 7 * (SIMULATED + 1) + 30, events


def check_gateway(lines):
    assert not [line for line in lines if line[0] in ("warning", "error") and line[1] != "broker_down"]
    requests = [pairs for level, event, pairs in lines if event == "request" and level == "info"]
    assert sum(pairs["path"].startswith("/dl/") for pairs in requests) == SIMULATED + 1, requests
    assert all(set(pairs) >= {"method", "path", "status", "ms"} for pairs in requests)
    assert len([line for line in lines if line[0] == "info"]) <= SIMULATED + 1 + 10, lines


def check_agent(lines, broker, batch):
    assert not [line for line in lines if line[0] in ("warning", "error") and line[1] != "not_connected"], lines
    connected = next(pairs for _, event, pairs in lines if event == "connected")
    assert connected == {"product": PRODUCT, "device": AGENT, "broker": f"mqtt://127.0.0.1:{broker.port}"}
    begun = [pairs for _, event, pairs in lines if event == "task_begun"]
    assert len(begun) == 1 and begun[0]["batch"] == str(batch) and begun[0]["attempt"] == "1", begun
    assert len(lines) <= 20, [event for _, event, _ in lines]


def test_every_line_of_a_whole_rollout_parses_carries_its_ids_and_is_said_once(rollout):
    broker, gateway, agent, batch = rollout
    check_plugin(plugins_lines(broker), batch)
    check_gateway(programs_lines(gateway.log_path))
    check_agent(programs_lines(agent.log_path), broker, batch)


def test_a_start_that_fails_says_why_in_one_line(new_broker):
    broker = new_broker()
    broker.config.set_option("ota_others", "perhaps")
    broker.start_refused()
    [(event, pairs)] = plugins_lines(broker)
    assert event == "start_failed" and "ota_others" in pairs["error"]


@pytest.mark.parametrize("wrong", ["Event", "event key", "event key=a b", 'event key="a', "event k=1 k=2", 'event k="a\\nb"',
                                   "event  k=1", "event batch=x", 'event k="a"b'])
def test_the_parser_takes_nothing_that_is_no_line(wrong):
    with pytest.raises((AssertionError, ValueError)):
        pairs_of(wrong)
