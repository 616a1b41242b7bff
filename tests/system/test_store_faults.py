"""What goes wrong with the store, its disk and its journal: the operator reads a sentence with the next step, nothing is lost,
nothing is wrongly final, and when the fault is over the work goes on by itself."""

import itertools
import json
import os
import shutil
import sqlite3
from contextlib import closing, contextmanager

import pytest

from gateway_rig.otactl import Otactl
from harness.device import Device
from harness.mounts import fill, remount, small_disk
from harness.scenario import PRODUCT
from harness.wait import Late, until

from test_backup import backup_of, findings_of, job_done

OLD = "1.0.0"
RESTORE = "restore a backup with otactl server restore"


serial = itertools.count(1)


@pytest.fixture
def otactl(tmp_path):
    return Otactl("http://127.0.0.1:9", tmp_path)


@contextmanager
def connected(broker):
    with broker.operator() as operator:
        yield operator


def world(operator, versions=("1.0",)):
    """A product with a device and packages, without connections."""
    operator.ask("createProduct", productKey=PRODUCT)
    operator.ask("registerDevices", productKey=PRODUCT, names=["sensor-01"])
    for version in versions:
        operator.add_package(PRODUCT, version, content=b"x" * 1000 + version.encode())


def settled(broker):
    """The log is in the database: what a test does to the file meets all of it."""
    broker.stop()
    assert not (broker.store_dir / "ota.db-wal").exists()


def flip(path, first_page=2):
    """A bit in each page, as a dying disk does."""
    with open(path, "r+b") as file:
        for offset in range((first_page - 1) * 4096, os.path.getsize(path), 4096):
            file.seek(offset + 9)
            byte = file.read(1)[0]
            file.seek(offset + 9)
            file.write(bytes([byte ^ 0x55]))


def damage(broker, name):
    """Writes over the first page of a table or an index."""
    with closing(sqlite3.connect(broker.store_dir / "ota.db")) as store:
        root, = store.execute("SELECT rootpage FROM sqlite_schema WHERE name = ?", [name]).fetchone()
    with open(broker.store_dir / "ota.db", "r+b") as file:
        file.seek((root - 1) * 4096 + 3)
        file.write(b"\xff" * 600)


# --- at the start ---


def test_store_locked_by_another_program_is_told_and_starts_when_it_is_gone(broker):
    settled(broker)
    with closing(sqlite3.connect(broker.store_dir / "ota.db", isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        log = broker.start_refused()
    assert "locked" in log and "end the other program that holds the database" in log
    broker.start()


def test_store_on_a_read_only_disk_is_told_and_starts_when_it_can_be_written(new_broker):
    broker = new_broker()
    with small_disk(broker.store_dir, "24m"):
        broker.start()
        with connected(broker) as operator:
            world(operator)
        settled(broker)
        remount(broker.store_dir, "ro")
        log = broker.start_refused()
        assert "Read-only file system" in log
        remount(broker.store_dir, "rw")
        broker.start()
        with connected(broker) as operator:
            assert operator.ask("getProduct", productKey=PRODUCT)["devices"] == 1
        broker.stop()


def test_truncated_store_is_told_and_a_backup_brings_it_back(broker, operator, otactl):
    world(operator)
    made = backup_of(operator)
    settled(broker)
    os.truncate(broker.store_dir / "ota.db", made["bytes"] // 2)
    assert RESTORE in broker.start_refused()
    otactl.good("server", "restore", made["path"], "--store-dir", broker.store_dir)
    broker.start()
    with connected(broker) as operator:
        assert operator.ask("getProduct", productKey=PRODUCT)["devices"] == 1
        assert findings_of(operator) == []


def test_flipped_bits_are_found_by_a_check_and_no_backup_of_them_replaces_a_good_one(broker, operator, otactl):
    world(operator, versions=[f"1.{number}" for number in range(30)])
    good = backup_of(operator)
    settled(broker)
    damage(broker, "package_version")
    broker.start()
    with connected(broker) as operator:
        found = findings_of(operator)
        assert found and all(finding["part"] == "store" for finding in found)
        assert "the store is damaged" in found[0]["text"] and "otactl server restore" in found[0]["text"]
        job = job_done(operator, "backupServer", keep=1)
        assert job["state"] == "failed" and "restore an earlier backup" in job["error"]["message"]
    assert [path.name for path in (broker.store_dir / "backups").iterdir()] == [os.path.basename(good["path"])]
    broker.stop()
    otactl.good("server", "restore", good["path"], "--store-dir", broker.store_dir)
    broker.start()
    with connected(broker) as operator:
        assert findings_of(operator) == []


def test_command_that_meets_a_damaged_page_is_answered_with_what_to_do(broker, operator):
    world(operator)
    settled(broker)
    damage(broker, "event_product")
    broker.start()
    with connected(broker) as operator:
        refusal = operator.refused("checkServer")
        assert refusal.code == "unavailable" and "malformed" in str(refusal) and RESTORE in str(refusal)


def test_store_flipped_all_over_is_told(broker, operator):
    world(operator)
    settled(broker)
    flip(broker.store_dir / "ota.db", first_page=1)
    assert RESTORE in broker.start_refused()


def test_store_from_the_future_is_told_and_left_alone(broker):
    settled(broker)
    with closing(sqlite3.connect(broker.store_dir / "ota.db")) as store:
        store.execute("UPDATE meta SET value = '99' WHERE name = 'schema'")
        store.commit()
    log = broker.start_refused()
    assert "schema 99" in log and "start the newer version" in log
    with closing(sqlite3.connect(broker.store_dir / "ota.db")) as store:
        assert store.execute("SELECT value FROM meta WHERE name = 'schema'").fetchone() == ("99",)


def test_store_that_is_gone_does_not_begin_anew_in_silence(broker):
    settled(broker)
    (broker.store_dir / "ota.db").unlink()
    log = broker.start_refused()
    assert "is missing" in log and RESTORE in log
    (broker.store_dir / "admin.token").unlink()
    broker.start()


def test_missing_log_after_a_kill_is_no_silent_loss(broker, operator, scenario):
    """The commits in it are gone, but the journal still has the reports they came from."""
    device = scenario.device(version=OLD)
    device.close()
    broker.restart()
    operator.connect()
    device.connect()
    for number in range(20):
        device.inform(f"2.{number}")
    operator.wait_version(PRODUCT, "sensor-01", "2.19")
    broker.kill()
    (broker.store_dir / "ota.db-wal").unlink()
    (broker.store_dir / "ota.db-shm").unlink()
    broker.start()
    operator.connect()
    operator.wait_version(PRODUCT, "sensor-01", "2.19")


def test_missing_journal_starts_with_what_was_committed(broker, operator, scenario):
    """As after a reboot of the machine."""
    scenario.device(version=OLD)
    broker.stop()
    shutil.rmtree(broker.journal_dir)
    broker.start()
    operator.connect()
    assert operator.version_in(operator.ask("getDevice", productKey=PRODUCT, deviceName="sensor-01")) == OLD


def test_foreign_journal_is_told_and_left_alone(new_broker):
    ours, other = new_broker("ours").start(), new_broker("other").start()
    with connected(other) as operator:
        world(operator)
        device = Device(other, PRODUCT, "sensor-01").connect()
        device.inform(OLD)
        other.kill()
    ours.stop()
    shutil.rmtree(ours.journal_dir)
    shutil.copytree(other.journal_dir, ours.journal_dir)
    before = sorted(path.name for path in ours.journal_dir.iterdir())
    log = ours.start_refused()
    assert "belongs to another store" in log and "move the journal's files to another place" in log
    assert [name for name in before if name.startswith("journal-")] == sorted(
        path.name for path in ours.journal_dir.iterdir() if path.name.startswith("journal-"))


# --- while it works ---


def test_full_disk_under_the_store_keeps_reports_tells_operators_and_goes_on_when_there_is_room(new_broker):
    broker = new_broker()
    with small_disk(broker.store_dir, "24m"):
        broker.start()
        with connected(broker) as operator:
            world(operator)
            device = Device(broker, PRODUCT, "sensor-01").connect()
            ballast = fill(broker.store_dir)
            modules = [f"m{number:02}" for number in range(12)]
            for turn in range(8):
                for module in modules:
                    device.inform(f"7.{turn}", module=module)  # waits for the PUBACK
            broker.wait_log("store_failed")
            assert "make room on its disk" in broker.log_of_run()
            refusal = until(lambda: told(broker), "the server to tell its plight")
            assert refusal["code"] == "unavailable" and "make room on its disk" in refusal["message"]
            ballast.unlink()
            broker.wait_log("store_works_again")
            for module in modules:
                operator.wait_version(PRODUCT, "sensor-01", "7.7", module=module)
            assert findings_of(operator, deep=True) == [] or [f["part"] for f in findings_of(operator)] == ["disk"]
            device.close()
        broker.stop()


def told(broker):
    """The error of a getServer; None while it is answered or waits."""
    with broker.operator(client_id=f"asker-{next(serial)}") as asker:
        request = {"commands": [{"command": "getServer", "token": asker.token}]}
        try:
            return asker.ask_raw(json.dumps(request), timeout=1)[0].get("error")
        except Late:
            return None


def test_full_disk_under_the_journal_acknowledges_nothing_it_cannot_keep(new_broker):
    broker = new_broker()
    with small_disk(broker.journal_dir, "20m"):
        broker.start()
        ballast = fill(broker.journal_dir)
        with connected(broker) as operator:
            world(operator)
            alarms = operator.ask("getServer")["alarms"]
            assert any(alarm["part"] == "disk" and str(broker.journal_dir) in alarm["text"] for alarm in alarms)
            device = Device(broker, PRODUCT, "sensor-01").connect()
            device.client.publish(device.topic("inform"), '{"id":1,"params":{"version":"3.0"}}', qos=1, wait=False)
            device.client.wait_closed()
            broker.wait_log("journal")
            ballast.unlink()
            device.connect()
            device.inform("3.0")
            operator.wait_version(PRODUCT, "sensor-01", "3.0")
            device.close()
        broker.stop()
