"""A device of several modules, each with its own installer, updated by the real server one after the other."""

import json

import pytest

from agent_fixtures import content, web  # noqa: F401
from harness import stock
from harness.agent import PROGRAM, Agent
from harness.device import Device
from harness.scenario import PRODUCT
from harness.wait import until
from test_agent_plugin import NAME, new_broker, package  # noqa: F401

pytestmark = pytest.mark.skipif(not PROGRAM.exists(), reason=f"no agent at {PROGRAM}: build first")

OLD, NEW, MCU = content(50_000, 1), content(200_000, 2), content(5_000, 3)


@pytest.fixture
def agent(tmp_path, broker):
    made = Agent(tmp_path / "agent", broker.port, product_key=PRODUCT, device_name=NAME)
    version = made.home / "mcu.version"
    version.write_text("0.1\n")
    made.modules["mcu"] = {"installer": "exec", "command": made.hook("mcu", f"""
case "$1" in
version) cat {version} ;;
install) [ -e {made.home}/jumper ] || {{ echo "error the jumper is not set"; exit 1; }}
         echo "$OTA_VERSION" >{version} ;;
esac""")}
    yield made.provision(OLD, "1.0")
    made.close()


def begun(agent, operator):
    agent.start()
    operator.wait_version(PRODUCT, NAME, "1.0")
    operator.wait_version(PRODUCT, NAME, "0.1", module="mcu")


def module_package(scenario, web, version, image, module):
    made = scenario.package(version, image, module=module)
    web.serve_prefix(f"/dl/{made['sha256']}", image)
    return made


def test_one_module_fails_while_the_other_succeeds(agent, scenario, operator, web):
    """At most one task of a device is in work; what happens to one module is nothing to the other."""
    begun(agent, operator)
    web.hold_at("/dl/", 1000)
    first = scenario.batch(module_package(scenario, web, "0.2", MCU, "mcu"))
    until(lambda: web.requests, "the first module's download")
    second = scenario.batch(package(scenario, web, "2.0", NEW))
    operator.wait_task(scenario.task(second)["id"], state="pending", reason="other_module")
    web.hold_at("/dl/", None)
    failed = operator.wait_task(scenario.task(first)["id"], state="failed")
    assert (failed["cause"], failed["desc"]) == ("burn_failed", "install: the jumper is not set")
    done = operator.wait_task(scenario.task(second)["id"], state="succeeded", timeout=30)
    assert done["cause"] == "version_reported" and agent.running_image() == NEW
    operator.wait_version(PRODUCT, NAME, "0.1", module="mcu")


def test_both_modules_succeed_one_after_the_other(agent, scenario, operator, web):
    (agent.home / "jumper").touch()
    begun(agent, operator)
    packages = module_package(scenario, web, "0.2", MCU, "mcu"), package(scenario, web, "2.0", NEW)
    batches = [scenario.batch(each) for each in packages]
    for batch in batches:
        assert operator.wait_task(scenario.task(batch)["id"], state="succeeded", timeout=30)["cause"] == "version_reported"
    operator.wait_version(PRODUCT, NAME, "0.2", module="mcu")
    operator.wait_version(PRODUCT, NAME, "2.0")


# --- MQTT 5 at the plugin -------------------------------------------------------------------------------------------------------


@pytest.fixture
def agent_5(agent):
    agent.keys["mqtt_version"] = "5"
    return agent


def test_a_device_of_mqtt_5_is_informed_pushed_and_followed(agent_5, scenario, operator, web):
    begun(agent_5, operator)
    batch = scenario.batch(package(scenario, web, "2.0", NEW))
    done = operator.wait_task(scenario.task(batch)["id"], state="succeeded", timeout=30)
    assert (done["cause"], done["attempt"]) == ("version_reported", 1)


def test_a_device_of_mqtt_5_that_is_replaced_hears_why(agent_5, scenario, operator, broker):
    """The identity connects a second time, under another client id: the older connection is thrown out."""
    begun(agent_5, operator)
    with broker.client(f"{PRODUCT}.{NAME}|second|", f"{NAME}&{PRODUCT}", "secret"):
        agent_5.wait_log("the broker hung up: Administrative action (0x98)")


def test_stock_clients_of_mqtt_5_pull_inform_and_are_pushed(broker, operator, scenario):
    device = Device(broker, PRODUCT, NAME)
    get, reply = device.sys_topic("ota/firmware/get"), device.sys_topic("ota/firmware/get_reply")
    assert json.loads(stock.request(broker, device, get, reply, '{"id":"1","params":{}}')) == {"id": "1", "code": 200, "data": {}}
    stock.publish(broker, device, device.topic("inform"), '{"id":1,"params":{"version":"1.0"}}', 1, "5")
    operator.wait_version(PRODUCT, NAME, "1.0")
    scenario.batch(scenario.package("2.0", NEW))
    listener = stock.Subscriber(broker, device, device.topic("upgrade"), "5")
    assert json.loads(listener.message())["data"]["version"] == "2.0"
    listener.close()


def test_offer_that_waits_for_its_device_dies_within_a_minute(broker, operator, scenario):
    """Who was shut out meanwhile, or asks again later, finds no old offer: the broker is told how long each one lives."""
    device = Device(broker, PRODUCT, NAME)
    stock.publish(broker, device, device.topic("inform"), '{"id":1,"params":{"version":"1.0"}}', 1, "5")
    operator.wait_version(PRODUCT, NAME, "1.0")
    scenario.batch(scenario.package("2.0", NEW))
    listener = stock.Subscriber(broker, device, device.topic("upgrade"), "5", shown="%E")
    assert 0 < int(listener.message()) <= 60
    listener.close()
