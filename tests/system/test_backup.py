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
