"""What an operator may order, and what an order does: gates, pause, cancel, the abort rule, exclusions, restarts."""

import time

import pytest

from harness.control import CommandError
from harness.scenario import PRODUCT
from harness.wait import until

OLD, NEW = "1.0.0", "2.0.0"


def names(count):
    return [f"d{number:04}" for number in range(count)]


def verify(operator, scenario, package, name):
    """One device proves the package."""
    device = scenario.device(name, version=OLD)
    task, _ = scenario.pushed(device, package)
    device.progress(100).inform(package["version"])
    operator.wait_task(task["id"], state="succeeded")


def test_static_batch_of_an_unverified_package_is_refused(operator, scenario):
    package = scenario.package(NEW)
    refused = operator.refused("createBatch", package=package["id"], kind="static", targets={"all": True})
    assert refused.code == "conflict"
    assert "verif" in refused.message
    assert not list(operator.pages("listBatches"))


def test_override_lets_it_through_and_is_kept_in_the_log(operator, scenario):
    package = scenario.package(NEW)
    without = operator.refused("createBatch", package=package["id"], kind="static", targets={"all": True}, override=True)
    assert without.code == "invalid"
    batch = scenario.batch(package, kind="static", override=True, reason="the lab burned down")
    events = operator.events(batch=batch["id"])
    assert any("the lab burned down" in each["detail"] and each.get("actor") == "admin" for each in events), events


def test_verified_package_opens_the_gate(operator, make_scenario):
    scenario = make_scenario("d0000", "d0001", "d0002")
    package = scenario.package(NEW)
    verify(operator, scenario, package, "d0000")
    until(lambda: operator.ask("getPackage", package=package["id"])["verification"] == "verified", "the package to be verified")
    batch = scenario.batch(package, None, kind="static")
    assert batch["excluded"]["already_at_target"] == 1
    assert batch["counts"]["pending"] == 2


def test_failed_verification_keeps_the_gate_shut(operator, scenario):
    package = scenario.package(NEW)
    device = scenario.device(version=OLD)
    task, _ = scenario.pushed(device, package)
    device.progress(-4)
    operator.wait_task(task["id"], state="failed")
    until(lambda: operator.ask("getPackage", package=package["id"])["verification"] == "failed", "the verification to fail")
    assert operator.refused("createBatch", package=package["id"], kind="static", targets={"all": True}).code == "conflict"


def test_verification_by_a_device_that_had_it_already_is_none(operator, scenario):
    """A verify batch passes by a task that went through an attempt, not by one that was already at the target."""
    package = scenario.package(NEW)
    batch = scenario.batch(package)
    scenario.device().inform(NEW)
    operator.wait_task(scenario.task(batch)["id"], state="succeeded", cause="already_at_target")
    operator.wait_batch(batch["id"], state="completed")
    assert operator.ask("getPackage", package=package["id"])["verification"] != "verified"


def test_device_at_the_target_is_excluded(operator, make_scenario):
    scenario = make_scenario("d0000", "d0001")
    scenario.device("d0000", version=NEW)
    batch = scenario.batch(scenario.package(NEW), None)
    assert (batch["total"], batch["excluded"]["already_at_target"], batch["counts"]["pending"]) == (2, 1, 1)
    assert operator.task_of(batch["id"], "d0000") is None


def test_unknown_names_are_excluded_and_counted(operator, scenario):
    batch = scenario.batch(scenario.package(NEW), ["sensor-01", "no-such", "nor-such"])
    assert batch["excluded"]["unknown_device"] == 2
    assert batch["counts"]["pending"] == 1


def test_device_of_another_unfinished_batch_is_a_conflict(operator, make_scenario):
    scenario = make_scenario("d0000", "d0001")
    scenario.batch(scenario.package(NEW), ["d0000"])
    other = scenario.package("3.0.0")
    refused = operator.refused("createBatch", package=other["id"], kind="verify", targets={"names": names(2)})
    assert refused.code == "conflict"
    assert "d0000" in refused.message
    skipped = scenario.batch(other, names(2), onConflict="skip")
    assert skipped["excluded"]["conflict"] == 1
    assert [each["deviceName"] for each in operator.pages("listTasks", batch=skipped["id"])] == ["d0001"]


def test_dry_run_tells_and_does_nothing(operator, make_scenario):
    scenario = make_scenario("d0000", "d0001", "d0002")
    scenario.device("d0000", version=NEW)
    package = scenario.package(NEW, content=b"x" * 1000)
    plan = operator.ask("createBatch", package=package["id"], kind="verify", targets={"names": [*names(3), "no-such"]},
                        dryRun=True)
    assert plan["matches"] == 2
    assert plan["excluded"]["already_at_target"] == 1
    assert plan["excluded"]["unknown_device"] == 1
    assert plan["bytes"] == 2000
    assert not list(operator.pages("listBatches"))


def test_paused_batch_pushes_nobody_until_resumed(operator, make_scenario):
    scenario = make_scenario("d0000", "d0001")
    batch = scenario.batch(scenario.package(NEW), None)
    paused = operator.ask("pauseBatch", batch=batch["id"], reason="lunch")
    assert paused["state"] == "paused"
    assert "lunch" in paused["reason"]
    device = scenario.device("d0000", version=OLD)
    task = scenario.task(batch, "d0000")
    operator.wait_task(task["id"], state="pending", reason="paused")
    assert device.pull()["data"] == {}
    device.no_push(0.5)
    assert operator.ask("resumeBatch", batch=batch["id"])["state"] == "running"
    device.expect_push()
    operator.wait_task(task["id"], state="pushed")


def test_pause_lets_running_upgrades_end(operator, scenario):
    device = scenario.device(version=OLD)
    task, _ = scenario.pushed(device, scenario.package(NEW))
    operator.ask("pauseBatch", batch=task["batch"])
    device.progress(50).inform(NEW)
    operator.wait_task(task["id"], state="succeeded")


def test_withdraw_takes_back_what_is_pending_only(operator, make_scenario):
    scenario = make_scenario("d0000", "d0001")
    device = scenario.device("d0000", version=OLD)
    batch = scenario.batch(scenario.package(NEW), None)
    device.expect_push()
    device.progress(10)
    running = operator.wait_task(scenario.task(batch, "d0000")["id"], state="upgrading")
    operator.ask("cancelBatch", batch=batch["id"], reason="wrong image")
    operator.wait_task(scenario.task(batch, "d0001")["id"], state="canceled", cause="withdrawn")
    device.progress(60)
    operator.wait_task(running["id"], state="upgrading", step=60)
    device.inform(NEW)
    operator.wait_task(running["id"], state="succeeded")
    ended = operator.wait_batch(batch["id"], state="canceled")
    assert (ended["counts"]["canceled"], ended["counts"]["succeeded"]) == (1, 1)


def test_revoke_takes_back_everything_and_later_truth_is_a_mark(operator, make_scenario):
    scenario = make_scenario("d0000", "d0001")
    device = scenario.device("d0000", version=OLD)
    batch = scenario.batch(scenario.package(NEW), None)
    device.expect_push()
    device.progress(10)
    running = operator.wait_task(scenario.task(batch, "d0000")["id"], state="upgrading")
    operator.ask("cancelBatch", batch=batch["id"], level="revoke")
    operator.wait_task(running["id"], state="canceled", cause="revoked")
    operator.wait_batch(batch["id"], state="canceled")
    device.inform(NEW)
    operator.wait_task(running["id"], state="canceled", mark="installed_anyway")


def test_abort_rule_pauses_the_batch(operator, make_scenario):
    scenario = make_scenario(*names(3))
    devices = [scenario.device(name, version=OLD) for name in names(2)]
    batch = scenario.batch(scenario.package(NEW), None, strategy={"abortPercent": 50, "abortSample": 2})
    for device in devices:
        device.expect_push()
        device.progress(-1)
    paused = operator.wait_batch(batch["id"], state="paused")
    assert "2" in paused["reason"], paused["reason"]
    late = scenario.device("d0002", version=OLD)
    operator.wait_task(scenario.task(batch, "d0002")["id"], state="pending", reason="paused")
    late.no_push(0.5)


def test_abort_rule_waits_for_its_sample(operator, make_scenario):
    scenario = make_scenario(*names(3))
    device = scenario.device("d0000", version=OLD)
    batch = scenario.batch(scenario.package(NEW), None, strategy={"abortPercent": 10, "abortSample": 2})
    device.expect_push()
    device.progress(-1)
    operator.wait_task(scenario.task(batch, "d0000")["id"], state="failed")
    assert operator.ask("getBatch", batch=batch["id"])["state"] == "running"


def test_batch_ends_with_its_outcome(operator, make_scenario):
    scenario = make_scenario("d0000", "d0001")
    devices = [scenario.device(name, version=OLD) for name in names(2)]
    batch = scenario.batch(scenario.package(NEW), None)
    for device in devices:
        device.expect_push()
    devices[0].progress(5).inform(NEW)
    devices[1].progress(-3)
    done = operator.wait_batch(batch["id"], state="completed")
    assert done["outcome"] == "failed"
    assert done["causes"] == {"version_reported": 1, "verify_failed": 1}
    assert done["endedAt"] >= done["startedAt"]


def test_end_of_the_batch_expires_what_is_pending(operator, scenario):
    batch = scenario.batch(scenario.package(NEW), strategy={"endAfter": "1s"})
    operator.wait_task(scenario.task(batch)["id"], state="canceled", cause="expired")


def test_list_pages_join_without_gap_or_double(operator, make_scenario):
    make_scenario(*names(25))
    for limit in (1, 7, 25, 500):
        items = [each["deviceName"] for each in operator.pages("listDevices", productKey=PRODUCT, limit=limit)]
        assert items == names(25)


def test_no_answer_is_longer_than_64_kib(operator, make_scenario):
    """500 long names still fit a page."""
    make_scenario(*[f"{number:04}-" + "x" * 59 for number in range(700)])
    names = [each["deviceName"] for each in operator.pages("listDevices", productKey=PRODUCT, limit=500)]
    assert len(names) == len(set(names)) == 700


def test_page_of_devices_with_many_modules_fits(operator, make_scenario):
    """16 modules with the longest names, 40 devices: the page ends early, the answer stays under its limit, nothing is left out.
    """
    names = [f"{number:02}-" + "x" * 61 for number in range(40)]
    scenario = make_scenario(*names)
    for name in names:
        device = scenario.device(name)
        for module in range(16):
            device.inform("v" * 64, module=f"{module:02}" + "m" * 62, qos=0)
        device.client.fence()
    until(lambda: operator.ask("getServer")["queueDepth"] == 0, "the informs to be committed")
    for name in names:
        operator.wait_version(PRODUCT, name, "v" * 64, module="15" + "m" * 62)
    devices = {each["deviceName"]: len(each["modules"]) for each in operator.pages("listDevices", productKey=PRODUCT, limit=500)}
    assert devices == dict.fromkeys(names, 16)


def test_tasks_are_listed_by_state(operator, make_scenario):
    scenario = make_scenario(*names(3))
    device = scenario.device("d0001", version=OLD)
    batch = scenario.batch(scenario.package(NEW), None)
    device.expect_push()
    operator.wait_task(scenario.task(batch, "d0001")["id"], state="pushed")
    by_state = {state: [each["deviceName"] for each in operator.pages("listTasks", batch=batch["id"], state=state)]
                for state in ("pending", "pushed", "failed")}
    assert by_state == {"pending": ["d0000", "d0002"], "pushed": ["d0001"], "failed": []}


def test_repeated_request_id_gives_the_same_answer_and_does_nothing(operator, scenario):
    package = scenario.package(NEW)
    order = {"package": package["id"], "kind": "verify", "targets": {"all": True}, "requestId": "order-1"}
    first = operator.ask("createBatch", **order)
    again = operator.ask("createBatch", **order)
    assert first == again
    assert len(list(operator.pages("listBatches"))) == 1


def test_same_package_twice_is_a_conflict(operator, scenario):
    scenario.package(NEW)
    with pytest.raises(CommandError) as refused:
        scenario.package(NEW)
    assert refused.value.code == "conflict"


def test_package_without_its_file_is_refused(operator, scenario):
    refused = operator.refused("addPackage", productKey=PRODUCT, version=NEW, size=5, sha256="0" * 64, md5="0" * 32)
    assert refused.code in ("not_found", "invalid", "conflict")
    assert "0000" in refused.message or "file" in refused.message


def test_all_of_a_request_is_answered_in_order(operator, scenario):
    answers = operator.ask_all([{"command": "getProduct", "productKey": PRODUCT},
                                {"command": "getProduct", "productKey": "nosuch"}, {"command": "listProducts"}])
    assert [("data" in each, each.get("error", {}).get("code")) for each in answers] == [(True, None), (False, "not_found"),
                                                                                         (True, None)]


@pytest.mark.parametrize("kill", [False, True], ids=["stopped", "killed"])
def test_batch_goes_on_after_a_restart_of_the_broker(broker, operator, make_scenario, kill):
    scenario = make_scenario("d0000", "d0001")
    device = scenario.device("d0000", version=OLD)
    batch = scenario.batch(scenario.package(NEW), None)
    device.expect_push()
    device.progress(30)
    running = operator.wait_task(scenario.task(batch, "d0000")["id"], state="upgrading", step=30)
    broker.restart(kill=kill)
    operator.connect()
    assert operator.ask("getTask", task=running["id"])["step"] == 30
    scenario.device("d0000").inform(NEW)
    operator.wait_task(running["id"], state="succeeded")
    scenario.device("d0001").expect_push()


def test_time_while_the_server_was_away_counts_in_no_timer(broker, operator, scenario):
    """A timer that would have run out during the downtime runs on from where it stood."""
    device = scenario.device(version=OLD)
    task, _ = scenario.pushed(device, scenario.package(NEW), strategy={"upgradeTimeout": "5s"})
    device.progress(30)
    before = operator.wait_task(task["id"], state="upgrading")
    broker.stop()
    away = 3000
    until(lambda: _now_ms() - before["updatedAt"] > away, "three seconds of downtime")
    broker.start()
    operator.connect()
    after = operator.ask("getTask", task=task["id"])
    assert after["state"] == "upgrading"
    assert after["dueAt"] >= before["dueAt"] + away - 1000


def _now_ms():
    return int(time.time() * 1000)
