"""ota-agent against the real plugin: what the server concludes from what the agent says."""

import pytest

from agent_fixtures import content, web  # noqa: F401
from harness.agent import PROGRAM, Agent
from harness.scenario import PRODUCT
from harness.wait import until

pytestmark = pytest.mark.skipif(not PROGRAM.exists(), reason=f"no agent at {PROGRAM}: build first")

NAME = "sensor-01"
OLD, NEW = b"U-Boot 2023.01 " + content(50_000, 1), b"U-Boot 2023.02 " + content(300_000, 2)


@pytest.fixture
def agent(tmp_path, broker, web):
    """The plugin's download links lead to a gateway; here they lead to the test's own server, which looks the same from the
    device.
    """
    made = Agent(tmp_path / "agent", broker.port, product_key=PRODUCT, device_name=NAME)
    made.modules["default"]["check"] = made.hook("check", 'grep -aq "U-Boot" "$OTA_FILE" || { echo "no U-Boot here"; exit 1; }')
    yield made.provision(OLD, "2023.01")
    made.close()


@pytest.fixture
def new_broker(new_broker, web):
    """Every broker of this file sends its devices to the test's server."""
    def make(*arguments, **more):
        options = {"gateway_url": web.url(""), **more.pop("options", {})}
        return new_broker(*arguments, options=options, **more)

    return make


def package(scenario, web, version, image):
    made = scenario.package(version, image)
    web.serve_prefix(f"/dl/{made['sha256']}", image)
    return made


def test_succeeds_by_the_version_after_the_restart(agent, scenario, operator, web):
    agent.start()
    operator.wait_version(PRODUCT, NAME, "2023.01")
    batch = scenario.batch(package(scenario, web, "2023.02", NEW))
    done = operator.wait_task(scenario.task(batch)["id"], state="succeeded")
    assert (done["cause"], done["attempt"], done["fromVersion"]) == ("version_reported", 1, "2023.01")
    assert agent.running_image() == NEW


def test_a_refused_image_fails_with_the_hooks_words(agent, scenario, operator, web):
    agent.start()
    operator.wait_version(PRODUCT, NAME, "2023.01")
    batch = scenario.batch(package(scenario, web, "2023.03", content(1000, 3)))
    done = operator.wait_task(scenario.task(batch)["id"], state="failed")
    assert (done["cause"], done["desc"]) == ("burn_failed", "install: no U-Boot here")
    assert agent.running_image() == OLD


def test_a_retry_is_a_new_attempt_and_succeeds(agent, scenario, operator, web):
    agent.start()
    operator.wait_version(PRODUCT, NAME, "2023.01")
    made = package(scenario, web, "2023.02", NEW)
    web.answer("/dl/", 404)
    batch = scenario.batch(made, strategy={"retries": 1, "retryPause": "1s"})
    done = operator.wait_task(scenario.task(batch)["id"], state="succeeded", timeout=30)
    assert done["attempt"] == 2


def test_a_kill_in_the_middle_of_the_download_costs_nothing(agent, scenario, operator, web):
    agent.start()
    operator.wait_version(PRODUCT, NAME, "2023.01")
    web.hold_at("/dl/", 100_000)
    batch = scenario.batch(package(scenario, web, "2023.02", NEW))
    until(lambda: agent.part_size() == 100_000, "a third of the download on disk")
    agent.kill()
    web.hold_at("/dl/", None)
    agent.start()
    done = operator.wait_task(scenario.task(batch)["id"], state="succeeded", timeout=30)
    assert done["attempt"] == 1


def begun(agent, operator, batch, scenario, what):
    """The task, asked to give up once the agent is there."""
    task = scenario.task(batch)["id"]
    what()
    operator.wait_task(task, state="upgrading")
    assert operator.ask("cancelBatch", batch=batch["id"], level="ask")["state"] == "canceled"
    return task


def test_an_agent_that_is_asked_during_its_download_stops_it(agent, scenario, operator, web):
    agent.start()
    operator.wait_version(PRODUCT, NAME, "2023.01")
    web.hold_at("/dl/", 100_000)
    batch = scenario.batch(package(scenario, web, "2023.02", NEW))
    task = begun(agent, operator, batch, scenario, lambda: until(lambda: agent.part_size() == 100_000, "a third of the download"))
    ended = operator.wait_task(task, state="canceled")
    assert (ended["cause"], ended["ask"]) == ("asked", "agreed")
    assert operator.ask("getBatch", batch=batch["id"])["asked"] == {"devices": 1, "agreed": 1}
    until(lambda: agent.part_size() == 0, "the download to be given up")
    assert agent.running_image() == OLD


def test_an_agent_that_is_asked_during_its_installation_refuses_and_succeeds(agent, scenario, operator, web):
    agent.modules["default"]["check"] = agent.hook("check", f"until [ -e {agent.home}/go ]; do sleep 0.05; done")
    agent.start()
    operator.wait_version(PRODUCT, NAME, "2023.01")
    batch = scenario.batch(package(scenario, web, "2023.02", NEW))
    task = begun(agent, operator, batch, scenario,
                 lambda: operator.wait_task(scenario.task(batch)["id"], state="upgrading", step=100))
    operator.wait_batch(batch["id"], asked={"devices": 1, "refused": 1})
    words = [event["detail"] for event in operator.pages("listEvents", batch=batch["id"])]
    assert "asked 1: agreed 0, refused 1, no answer 0" in words
    assert any(each.endswith(": the installation has begun") for each in words), words
    (agent.home / "go").touch()
    done = operator.wait_task(task, state="succeeded", timeout=30)
    assert (done["cause"], done["ask"]) == ("version_reported", "refused")


def test_a_kill_during_the_installation_is_no_roll_back(agent, scenario, operator, web):
    agent.modules["default"]["check"] = agent.hook("check", f"[ -e {agent.home}/go ] || exec sleep 60")
    agent.start()
    operator.wait_version(PRODUCT, NAME, "2023.01")
    batch = scenario.batch(package(scenario, web, "2023.02", NEW))
    task = scenario.task(batch)["id"]
    operator.wait_task(task, state="upgrading", step=100)
    agent.kill()
    (agent.home / "go").touch()
    agent.start()
    assert operator.wait_task(task, state="succeeded", timeout=30)["attempt"] == 1
