"""disableDevice: who was shut out is cut off, refused and stays out until he is enabled; nobody else notices."""

import contextlib
import json

import pytest

from harness.device import Device
from harness.mqtt import Closed, Refused
from harness.scenario import PRODUCT, Scenario
from test_triple import SignedDevice, c3, expect_refused, refused_lines

OLD, NEW = "1.0.0", "2.0.0"


def disable(operator, name="alpha", **more):
    return operator.ask("disableDevice", productKey=PRODUCT, deviceName=name, **more)


def enable(operator, name="alpha", **more):
    return operator.ask("enableDevice", productKey=PRODUCT, deviceName=name, **more)


def refused(device):
    with pytest.raises(Refused):
        device.connect()


@pytest.fixture
def pair(make_scenario):
    scenario = make_scenario("alpha", "beta")
    return scenario.device("alpha", version=OLD), scenario.device("beta", version=OLD)


def test_disabled_device_is_cut_off_and_refused_until_it_is_enabled(broker, operator, pair):
    alpha, beta = pair
    told = disable(operator, reason="stolen")
    assert told["disabled"] and not told["online"]
    alpha.client.wait_closed()
    refused(alpha)
    broker.wait_log("why=device_disabled")
    beta.inform("1.1.0")
    operator.wait_version(PRODUCT, "beta", "1.1.0")
    assert "disabled" not in enable(operator, reason="found")
    alpha.connect().inform("1.1.0")
    operator.wait_version(PRODUCT, "alpha", "1.1.0")
    for word, reason in (("device_disabled", "stolen"), ("device_enabled", "found")):
        event = operator.wait_event(word, productKey=PRODUCT, deviceName="alpha")
        assert event["actor"] == "admin" and reason in event["detail"]


def test_nothing_is_delivered_to_it_or_taken_from_it_from_the_answer_on(new_broker):
    """Whether the kick comes before or after: what is sent right behind the answer, from either side, is lost."""
    broker = new_broker(restless=False).start()
    with broker.operator() as operator, broker.client("application") as application:
        operator.ask("createProduct", productKey=PRODUCT)
        operator.ask("registerDevices", productKey=PRODUCT, names=["alpha"])
        alpha = Device(broker, PRODUCT, "alpha").connect()
        alpha.client.subscribe("weather")
        alpha.inform(OLD)
        operator.wait_version(PRODUCT, "alpha", OLD)
        application.subscribe("telemetry")
        disable(operator)
        application.publish("weather", "rain", 1)
        with contextlib.suppress(Closed):
            alpha.client.publish("telemetry", "after", 1, wait=False)
            alpha.client.publish(alpha.topic("inform"), json.dumps({"id": 1, "params": {"version": "6.6.6"}}), 1, wait=False)
        alpha.client.wait_closed()
        assert not alpha.client.messages("weather")
        application.fence()
        assert not application.messages("telemetry")
        modules = operator.ask("getDevice", productKey=PRODUCT, deviceName="alpha")["modules"]
        assert [each["version"] for each in modules] == [OLD]


def test_it_stays_out_over_a_restart(broker, operator, pair):
    disable(operator)
    broker.restart(kill=True)
    refused(Device(broker, PRODUCT, "alpha"))
    with Device(broker, PRODUCT, "beta") as beta:
        beta.client.fence()
    with broker.operator() as again:
        enable(again)
    with Device(broker, PRODUCT, "alpha") as alpha:
        alpha.client.fence()


def test_device_that_nobody_saw_can_be_kept_out(broker, operator):
    """It is registered first: a name that is misspelt shuts nobody out, and is told."""
    operator.ask("createProduct", productKey=PRODUCT, registration="open")
    assert operator.refused("disableDevice", productKey=PRODUCT, deviceName="neverSeen").code == "not_found"
    operator.ask("registerDevices", productKey=PRODUCT, names=["neverSeen"])
    disable(operator, "neverSeen")
    refused(Device(broker, PRODUCT, "neverSeen"))


def test_the_list_tells_who_is_out(operator, pair):
    disable(operator)
    names = {value: [each["deviceName"] for each in operator.pages("listDevices", productKey=PRODUCT, disabled=value)]
             for value in (True, False)}
    assert names == {True: ["alpha"], False: ["beta"]}
    assert [each["deviceName"] for each in operator.pages("listDevices", productKey=PRODUCT, disabled=True, online=True)] == []


def test_twice_is_a_conflict_that_says_so(operator, pair):
    disable(operator)
    for ask, words in ((disable, "disabled already"), (enable, None), (enable, "not disabled")):
        if words is None:
            ask(operator)
            continue
        error = operator.refused(f"{ask.__name__}Device", productKey=PRODUCT, deviceName="alpha")
        assert error.code == "conflict" and words in error.message
    assert operator.refused("enableDevice", productKey=PRODUCT, deviceName="nobody").code == "not_found"
    assert operator.refused("disableDevice", productKey="none", deviceName="alpha").code == "not_found"


def test_its_task_waits_and_says_why_and_goes_on_when_it_is_back(operator, make_scenario):
    scenario = make_scenario("alpha", "beta")
    alpha, beta = (scenario.device(name, version=OLD) for name in ("alpha", "beta"))
    alpha.close()
    batch = scenario.batch(scenario.package(NEW), ["alpha", "beta"])
    task = scenario.task(batch, "alpha")
    beta.expect_push()
    disable(operator)
    operator.wait_task(task["id"], state="pending", reason="disabled")
    enable(operator)
    operator.wait_task(task["id"], state="pending", reason="offline")
    alpha.connect().expect_push()
    operator.wait_task(task["id"], state="pushed")


def test_it_gets_no_task_of_a_new_batch(operator, make_scenario):
    scenario = make_scenario("alpha", "beta")
    scenario.device("beta", version=OLD)
    disable(operator)
    batch = scenario.batch(scenario.package(NEW), names=None)
    assert operator.ask("getBatch", batch=batch["id"])["excluded"] == {"barred": 1}


def test_with_the_triple_only_who_has_the_secret_is_told(new_broker):
    broker = new_broker(options={"device_auth": "triple"}).start()
    with broker.operator() as operator:
        operator.ask("createProduct", productKey=PRODUCT)
        secret = "0123456789abcdef0123456789abcdef"
        operator.ask("importDevices", productKey=PRODUCT, devices=[{"deviceName": "alpha", "secret": secret}])
        alpha = SignedDevice(broker, "alpha", c3).connect()
        disable(operator)
        alpha.client.wait_closed()
        refused(SignedDevice(broker, "alpha", c3, "not the secret"))
        assert refused_lines(broker, "password_wrong") and not refused_lines(broker, "device_disabled")
        expect_refused(broker, alpha, "device_disabled")
        enable(operator)
        alpha.connect().close()


def test_task_under_way_goes_on_when_it_is_back(new_broker):
    """No task ends because its device was shut out; it is the same attempt."""
    broker = new_broker(options={"repush": "100ms"}).start()
    with broker.operator() as operator:
        scenario = Scenario(broker, operator, devices=["alpha"])
        alpha = scenario.device("alpha", version=OLD)
        task, _ = scenario.pushed(alpha, scenario.package(NEW))
        operator.wait_task(task["id"], state="pushed")
        disable(operator)
        alpha.client.wait_closed()
        assert operator.wait_task(task["id"], state="pushed")["attempt"] == 1
        enable(operator)
        alpha.connect().expect_push()
        alpha.progress(50)
        assert operator.wait_task(task["id"], state="upgrading")["attempt"] == 1
        alpha.close()
