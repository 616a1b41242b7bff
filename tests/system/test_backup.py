"""Backup, check and restore: a copy made while the fleet works serves by itself, wherever a crash cuts it."""

import hashlib
import os
import sqlite3
from contextlib import closing

import pytest

from gateway_rig.otactl import Otactl
from harness.scenario import PRODUCT
from harness.wait import until

OLD, NEW = "1.0.0", "2.0.0"


def job_done(operator, command, **members):
    """Asks for a job and waits for its end; the whole job."""
    job = operator.ask(command, **members)["job"]
    until(lambda: operator.ask("getJob", job=job)["state"] != "running", f"{command} to end")
    return operator.ask("getJob", job=job)


def backup_of(operator, **members):
    job = job_done(operator, "backupServer", **members)
    assert job["state"] == "done", job
    return job["result"]


def findings_of(operator, **members):
    job = job_done(operator, "checkServer", **members)
    assert job["state"] == "done", job
    return job["result"]["findings"]


@pytest.fixture
def otactl(tmp_path):
    """For verbs that work on files alone."""
    return Otactl("http://127.0.0.1:9", tmp_path)


def restore(broker, otactl, path):
    broker.stop()
    otactl.good("server", "restore", path, "--store-dir", broker.store_dir)
    broker.start()


def rows(path, sql):
    with closing(sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)) as store:
        return store.execute(sql).fetchall()


def test_backup_is_a_whole_private_file_and_its_digest_is_told(broker, operator, scenario):
    scenario.device(version=OLD)
    made = backup_of(operator, name="first")
    path = made["path"]
    assert path.startswith(str(broker.store_dir / "backups" / "ota-")) and path.endswith("-first.db")
    assert os.stat(path).st_mode & 0o777 == 0o600
    with open(path, "rb") as file:
        content = file.read()
    assert hashlib.sha256(content).hexdigest() == made["sha256"] and len(content) == made["bytes"]
    assert rows(path, "PRAGMA integrity_check") == [("ok",)]
    assert sorted(os.listdir(broker.store_dir / "backups")) == [os.path.basename(path)]


def test_keep_removes_older_ones_but_never_one_with_a_name(broker, operator):
    named = backup_of(operator, name="milestone")["path"]
    paths = [backup_of(operator)["path"] for _ in range(3)]
    last = backup_of(operator, keep=2)
    assert last["removed"] == 2
    kept = {str(path) for path in (broker.store_dir / "backups").iterdir()}
    assert kept == {named, paths[2], last["path"]}


def test_restored_server_is_the_one_of_that_moment_and_its_devices_bring_it_up_to_date(broker, operator, scenario, otactl):
    device = scenario.device(version=OLD)
    new, newer = scenario.package(NEW), scenario.package("3.0.0")
    before = scenario.batch(new)["id"]
    made = backup_of(operator)
    operator.ask("cancelBatch", batch=before, level="revoke")
    later = scenario.batch(newer)["id"]
    device.close()
    restore(broker, otactl, made["path"])
    operator.connect()
    assert operator.refused("getBatch", batch=later).code == "not_found"
    assert operator.ask("getBatch", batch=before)["state"] == "running"
    assert [event["event"] for event in operator.events()].count("store_restored") == 1
    device.connect()
    device.inform("1.6.0")
    operator.wait_version(PRODUCT, "sensor-01", "1.6.0")
    assert scenario.batch(newer)["id"] > later
    assert findings_of(operator, deep=True) == []
    assert rows(next(broker.store_dir.glob("before-*.db")), "PRAGMA integrity_check") == [("ok",)]


MODULES = [f"m{number:02}" for number in range(15)]


def test_backup_while_a_thousand_reports_arrive_is_one_moment(broker, operator, make_scenario, otactl, tmp_path):
    """What is counted in it is what stands in it, and with the journal's help it catches up."""
    names = [f"d{number:02}" for number in range(8)]
    scenario = make_scenario(*names)
    devices = [scenario.device(name) for name in names]
    backups = []
    for turn in range(1, 11):
        for module in MODULES:
            for device in devices:
                device.inform(f"1.{turn}", module=module, qos=0)
        if turn % 3 == 0:
            for device in devices:
                device.client.fence()
            backups.append(backup_of(operator))
    for name in names:
        operator.wait_version(PRODUCT, name, "1.10", module=MODULES[-1])
    for made in backups:
        assert rows(made["path"], "PRAGMA integrity_check") == [("ok",)]
        copy = tmp_path / "copy.db"
        copy.write_bytes(open(made["path"], "rb").read())
        counted = rows(copy, "SELECT COUNT(*) FROM device_module WHERE version <> ''")[0][0]
        assert rows(copy, "SELECT COALESCE(SUM(n), 0) FROM version_count") == [(counted,)]
    restore(broker, otactl, backups[-1]["path"])
    operator.connect()
    assert findings_of(operator, deep=True) == []
    for name in names:  # the journal still had what the backup lacked
        operator.wait_version(PRODUCT, name, "1.10", module=MODULES[-1])


def test_kill_in_the_middle_of_a_backup_leaves_none_that_is_half(broker, operator, scenario):
    scenario.device(version=OLD)
    for number in range(6):
        good = backup_of(operator)["path"]
        operator.ask("backupServer")
        broker.kill()
        broker.start()
        operator.connect()
        for path in (broker.store_dir / "backups").glob("*Z.db"):
            assert rows(path, "PRAGMA integrity_check") == [("ok",)]
        assert os.path.exists(good)


def test_restore_with_a_wrong_file_is_refused_in_a_sentence(broker, operator, otactl, tmp_path):
    made = backup_of(operator)
    wrong = tmp_path / "wrong.db"
    wrong.write_bytes(b"hello")
    result = otactl("server", "restore", wrong, "--store-dir", broker.store_dir)
    assert result.code == 1 and "is no database" in result.err
    wrong.write_bytes(open(made["path"], "rb").read()[:8192])
    result = otactl("server", "restore", wrong, "--store-dir", broker.store_dir)
    assert result.code == 1 and "is cut off" in result.err
    result = otactl("server", "restore", made["path"], "--store-dir", broker.store_dir, "--sha256", "0" * 64)
    assert result.code == 6 and made["sha256"] in result.err
    result = otactl("server", "restore", made["path"])
    assert result.code == 2 and "--store-dir" in result.err
    assert not (broker.store_dir / "restore.db").exists()


def test_quarantined_report_is_an_alarm_that_says_where_it_is(broker, operator, scenario):
    """As the worker leaves it: the body of a record of the journal."""
    device = scenario.device(version=OLD)
    device.inform("9.9")
    segment = next(broker.journal_dir.glob("journal-*")).read_bytes()[64:]
    body = segment[8:8 + int.from_bytes(segment[:4], "little")]
    (broker.journal_dir / "quarantine-1").write_bytes(body)
    alarm, = [each for each in operator.ask("getServer")["alarms"] if each["part"] == "quarantine"]
    assert "device sensor-01" in alarm["text"] and f"{broker.journal_dir}/quarantine-1" in alarm["text"]
    assert [each["part"] for each in findings_of(operator)] == ["quarantine"]
    (broker.journal_dir / "quarantine-1").unlink()
    assert findings_of(operator) == []


def test_key_that_others_can_read_and_a_missing_package_are_found(broker, operator, scenario):
    package = scenario.package("2.0.0")
    (broker.store_dir / "url.key").chmod(0o644)
    (broker.package_dir / package["sha256"]).unlink()
    found = {each["part"]: each["text"] for each in findings_of(operator)}
    assert set(found) == {"key", "packages"}
    assert str(broker.store_dir / "url.key") in found["key"]
    assert package["sha256"] in found["packages"] and "is missing" in found["packages"]
    (broker.store_dir / "url.key").chmod(0o600)
