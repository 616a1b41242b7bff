"""How real devices behave (the Link SDKs, section 0 of what breaks a careless server), and what each report does to a task."""

import pytest

from harness.device import Device
from harness.mqtt import Closed, Refused
from harness.scenario import PRODUCT, Scenario
from harness.wait import until

OLD, NEW, OTHER = "1.0.0", "2.0.0", "3.0.0"
HAL_VERSION = "app-1.0.0-20180101.1000"  # what SDK 3.x itself informs on connect


def test_device_that_never_subscribes_is_pushed(operator, scenario):
    device = scenario.device(version=OLD)
    task, push = scenario.pushed(device, scenario.package(NEW))
    assert push.data["version"] == NEW
    operator.wait_task(task["id"], state="pushed")


def test_first_of_two_informs_does_not_count(operator, scenario):
    """SDK 3.x: the HAL's version first, then the application's; the last one within the settle time counts."""
    device = scenario.device()
    device.inform(HAL_VERSION).inform(OLD)
    operator.wait_version(PRODUCT, "sensor-01", OLD)
    task, _ = scenario.pushed(device, scenario.package(NEW))
    device.progress(100)
    device.close()
    again = scenario.device()
    again.inform(HAL_VERSION).inform(NEW)
    done = operator.wait_task(task["id"], state="succeeded")
    assert done["cause"] == "version_reported"


def test_device_that_just_booted_the_target_is_not_pushed_again(operator, scenario):
    device = scenario.device(version=OLD)
    task, _ = scenario.pushed(device, scenario.package(NEW))
    device.progress(50)
    device.close()
    again = scenario.device()
    again.inform(HAL_VERSION).inform(NEW)
    operator.wait_task(task["id"], state="succeeded")
    again.no_push(0.5)


def test_silent_device_is_pushed_after_it_reconnected(operator, scenario):
    """No C SDK informs again after a reconnect: the connection itself is the occasion."""
    scenario.device(version=OLD).close()
    batch = scenario.batch(scenario.package(NEW))
    task = operator.wait_task(scenario.task(batch)["id"], state="pending", reason="offline")
    silent = scenario.device()
    silent.expect_push()
    operator.wait_task(task["id"], state="pushed")


def test_interrupted_download_is_pushed_again_after_a_reconnect(new_broker):
    broker = new_broker(options={"repush": "200ms"}).start()
    with broker.operator() as operator:
        scenario = Scenario(broker, operator)
        device = scenario.device(version=OLD)
        task, _ = scenario.pushed(device, scenario.package(NEW))
        device.progress(40)
        operator.wait_task(task["id"], state="upgrading", step=40)
        device.drop()
        again = scenario.device()
        again.expect_push()
        again.progress(0)  # a restart from 0 after a re-push is normal
        operator.wait_task(task["id"], state="upgrading", attempt=1)
        scenario.close()


def test_pending_while_offline_then_pushed_on_connect(operator, scenario):
    batch = scenario.batch(scenario.package(NEW))
    task = scenario.task(batch)
    operator.wait_task(task["id"], state="pending", reason="offline")
    scenario.device().inform(OLD).expect_push()
    operator.wait_task(task["id"], state="pushed")


@pytest.mark.parametrize("step, cause", [(-1, "upgrade_failed"), (-2, "download_failed"), (-3, "verify_failed"),
                                         (-4, "burn_failed")])
def test_negative_step_fails_the_task_with_its_cause(operator, scenario, step, cause):
    device = scenario.device(version=OLD)
    task, _ = scenario.pushed(device, scenario.package(NEW))
    device.progress(str(step), desc="out of space")
    failed = operator.wait_task(task["id"], state="failed", cause=cause)
    assert failed["desc"] == "out of space"
    assert failed["attempts"][0]["cause"] == cause


def test_download_failure_is_tried_again_and_then_succeeds(operator, scenario):
    device = scenario.device(version=OLD)
    task, _ = scenario.pushed(device, scenario.package(NEW), strategy={"retries": 1, "retryPause": "300ms"})
    device.progress(-2)
    device.expect_push()
    operator.wait_task(task["id"], state="pushed", attempt=2)
    device.progress(10).inform(NEW)
    done = operator.wait_task(task["id"], state="succeeded")
    assert [each["attempt"] for each in done["attempts"]] == [1, 2]
    assert done["attempts"][0]["cause"] == "download_failed"


def test_waiting_for_a_retry_is_told_as_such(operator, scenario):
    device = scenario.device(version=OLD)
    task, _ = scenario.pushed(device, scenario.package(NEW), strategy={"retries": 1, "retryPause": "1h"})
    device.progress(-2)
    waiting = operator.wait_task(task["id"], state="pending", reason="retry")
    assert waiting["cause"] == "download_failed"
    assert waiting["dueAt"] > waiting["updatedAt"]
    device.no_push(0.5)


def test_repeated_negatives_of_one_attempt_count_once(operator, scenario):
    """SDK 3.x sends -2 for each failed read."""
    device = scenario.device(version=OLD)
    task, _ = scenario.pushed(device, scenario.package(NEW), strategy={"retries": 1, "retryPause": "200ms"})
    device.progress(-2).progress(-2).progress(-2)
    device.expect_push()
    device.progress(-2)  # a straggler of the first attempt
    device.progress(5)
    running = operator.wait_task(task["id"], state="upgrading", attempt=2)
    assert running["step"] == 5


def test_no_more_retries_fails_with_the_last_cause(operator, scenario):
    device = scenario.device(version=OLD)
    task, _ = scenario.pushed(device, scenario.package(NEW), strategy={"retries": 1, "retryPause": "0s"})
    device.progress(0).progress(-2)
    device.expect_push()
    device.progress(0).progress(-2)
    failed = operator.wait_task(task["id"], state="failed", cause="download_failed")
    assert failed["attempt"] == 2


def test_other_version_fails_the_task(operator, scenario):
    device = scenario.device(version=OLD)
    task, _ = scenario.pushed(device, scenario.package(NEW))
    device.progress(50).inform(OTHER)
    operator.wait_task(task["id"], state="failed", cause="wrong_version")


def test_old_version_after_the_delivery_is_a_rollback(operator, scenario):
    device = scenario.device(version=OLD)
    task, _ = scenario.pushed(device, scenario.package(NEW))
    device.progress(100).close()
    scenario.device().inform(OLD)
    operator.wait_task(task["id"], state="failed", cause="rolled_back")


def test_later_truth_is_a_mark_regressed(operator, scenario):
    device = scenario.device(version=OLD)
    task, _ = scenario.pushed(device, scenario.package(NEW))
    device.progress(100).inform(NEW)
    operator.wait_task(task["id"], state="succeeded")
    device.inform(OLD)
    operator.wait_task(task["id"], state="succeeded", mark="regressed")


def test_later_truth_is_a_mark_recovered(operator, scenario):
    device = scenario.device(version=OLD)
    task, _ = scenario.pushed(device, scenario.package(NEW), strategy={"pushTimeout": "1s"})
    operator.wait_task(task["id"], state="failed", cause="push_timeout")
    device.inform(NEW)
    operator.wait_task(task["id"], state="failed", mark="recovered")


def test_target_already_reported_before_the_push_ends_the_task(operator, scenario):
    batch = scenario.batch(scenario.package(NEW))
    task = scenario.task(batch)
    device = scenario.device()
    device.inform(NEW)
    operator.wait_task(task["id"], state="succeeded", cause="already_at_target")
    assert not device.client.messages(device.topic("upgrade"))


def test_push_timer_ends_the_task(operator, scenario):
    device = scenario.device(version=OLD)
    task, _ = scenario.pushed(device, scenario.package(NEW), strategy={"pushTimeout": "1s"})
    operator.wait_task(task["id"], state="failed", cause="push_timeout")


def test_upgrade_timer_ends_the_task(operator, scenario):
    device = scenario.device(version=OLD)
    task, _ = scenario.pushed(device, scenario.package(NEW), strategy={"upgradeTimeout": "1s"})
    device.progress(1)
    operator.wait_task(task["id"], state="failed", cause="upgrade_timeout")


def test_device_that_never_comes_back_after_the_delivery_is_lost(operator, scenario):
    device = scenario.device(version=OLD)
    task, _ = scenario.pushed(device, scenario.package(NEW), strategy={"rebootTimeout": "1s"})
    device.progress(100).close()
    operator.wait_task(task["id"], state="failed", cause="lost")


def test_soaking_device_succeeds_only_after_the_soak_time(operator, scenario):
    device = scenario.device(version=OLD)
    task, _ = scenario.pushed(device, scenario.package(NEW), strategy={"soak": "1s"})
    device.progress(100).inform(NEW)
    operator.wait_version(PRODUCT, "sensor-01", NEW)
    assert operator.ask("getTask", task=task["id"])["state"] == "upgrading"
    operator.wait_task(task["id"], state="succeeded", cause="version_reported")


def test_one_task_of_a_device_at_a_time(operator, scenario):
    device = scenario.device(version=OLD)
    first, _ = scenario.pushed(device, scenario.package(NEW))
    batch = scenario.batch(scenario.package("5", module="modem"))
    second = operator.wait_task(scenario.task(batch)["id"], state="pending", reason="other_module")
    device.progress(10).inform(NEW)
    operator.wait_task(first["id"], state="succeeded")
    assert device.expect_push().data["module"] == "modem"
    operator.wait_task(second["id"], state="pushed")


def test_progress_of_another_attempt_is_not_applied(operator, scenario):
    device = scenario.device()
    device.inform(OLD, caps=[], agent="test/1")
    operator.wait_version(PRODUCT, "sensor-01", OLD)
    task, push = scenario.pushed(device, scenario.package(NEW))
    batch, attempt = (int(part) for part in push.data["extData"]["_ota"].split(":"))
    assert (batch, attempt) == (task["batch"], 1)
    device.progress(30, batch=batch, attempt=7)
    device.progress(20, batch=batch, attempt=attempt)
    assert operator.wait_task(task["id"], state="upgrading")["step"] == 20


def test_device_with_caps_gets_sha256_and_the_attempt(operator, scenario):
    device = scenario.device()
    device.inform(OLD, caps=["cancel"], agent="test/1")
    told = operator.wait_version(PRODUCT, "sensor-01", OLD)
    assert (told["agent"], told["caps"]) == ("test/1", ["cancel"])
    package = scenario.package(NEW)
    _, push = scenario.pushed(device, package)
    assert (push.data["signMethod"], push.data["sign"], push.data["md5"]) == ("SHA256", package["sha256"], package["md5"])
    assert list(push.data)[-1] == "extData"


def test_pull_answers_with_the_push_or_with_nothing(operator, scenario):
    device = scenario.device(version=OLD)
    assert device.pull() == {"id": "123", "code": 200, "data": {}}
    task, push = scenario.pushed(device, scenario.package(NEW))
    data = device.pull()["data"]
    assert (data["version"], data["md5"]) == (NEW, push.data["md5"])
    assert device.pull(module="modem")["data"] == {}
    operator.wait_task(task["id"], state="pushed", attempt=1)


def test_old_pull_is_answered_on_its_own_topic_and_not_echoed(scenario):
    device = scenario.device(version=OLD)
    device.client.subscribe(device.topic("request"))
    scenario.pushed(device, scenario.package(NEW))
    device.client.publish(device.topic("request"), '{"id":"7","params":{"version":"1.0.0"}}', 1)
    answer = device.client.expect(device.topic("request"))
    assert b'"url"' in answer.payload
    device.client.fence()
    assert not device.client.messages(device.topic("request"))


def test_unknown_device_is_refused_and_nothing_is_stored(broker, operator, scenario):
    """Registration `listed`: who is not registered does not exist."""
    stranger = Device(broker, PRODUCT, "nobody")
    try:
        stranger.connect().inform(OLD)
    except (Refused, Closed):
        pass
    known = [each["deviceName"] for each in operator.pages("listDevices", productKey=PRODUCT)]
    assert known == ["sensor-01"]
    stranger.close()


def test_report_with_strange_spelling_is_not_lost(operator, scenario):
    """A trailing comma, bad UTF-8 in desc, an unknown member, a double key: the report is true all the same."""
    device = scenario.device()
    device.client.publish(device.topic("inform"), b'{"id":1,"params":{"version":"1.0.0","version":"9","extra":{"a":[1,2]},},}', 1)
    operator.wait_version(PRODUCT, "sensor-01", OLD)
    task, _ = scenario.pushed(device, scenario.package(NEW))
    device.client.publish(device.topic("progress"), b'{"id":1,"params":{"step":"12","desc":"\xff\xfe"}}', 1)
    assert operator.wait_task(task["id"], state="upgrading", step=12)["desc"] == "\ufffd\ufffd"


def test_sixteen_modules_are_kept_and_no_more(operator, scenario):
    device = scenario.device()
    for number in range(17):
        device.inform("1", module=f"m{number:02}")
    device.inform("2", module="m00")
    told = operator.wait_version(PRODUCT, "sensor-01", "2", module="m00")
    assert sorted(each["module"] for each in told["modules"]) == [f"m{number:02}" for number in range(16)]


@pytest.mark.parametrize("payload", [b"", b"{", b"[]", b'{"params":{}}', b'{"params":{"version":5}}',
                                     b'{"params":{"version":""}}', b'{"params":{"version":"a\\"b"}}', b"\x00" * 100, b"[" * 10000,
                                     b"x" * 16385],
                         ids=lambda payload: payload[:24].decode() or "empty")
def test_refused_content_is_dropped_and_the_connection_kept(operator, scenario, payload):
    device = scenario.device()
    device.client.publish(device.topic("inform"), payload, 1)
    device.inform(OLD)
    operator.wait_version(PRODUCT, "sensor-01", OLD)
    assert not [each for each in operator.events(deviceName="sensor-01", productKey=PRODUCT) if each["event"] == "succeeded"]


def test_online_and_last_seen_follow_the_connection(operator, scenario):
    def online():
        return operator.ask("getDevice", productKey=PRODUCT, deviceName="sensor-01")["online"]

    assert not online()
    device = scenario.device(version=OLD)
    until(online, "the device to be online")
    device.drop()
    until(lambda: not online(), "the device to be offline")
