"""A fleet written straight into the store of a broker that stands still: a million commands would take the afternoon."""

import sqlite3
import subprocess

from . import places


def fill(broker, product, devices):
    """Registers fleet-0000000 and so on, each with what it runs: one in fifty 2.0.0, the others 1.1.0 to 1.49.0."""
    program(broker, "fill", broker.store_dir, product, devices)


def program(broker, *words):
    """What tests/bench/million.c prints."""
    assert broker.process is None, "the broker holds its store"
    command = [places.BUILD / "tests/bench/bench-million", *map(str, words)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()


def count(broker, batch, devices):
    """(tasks, exclusions) of a batch in the store of a stopped broker. Each of its devices must be there once, and what is kept
    be what is counted.
    """
    with sqlite3.connect(f"file:{broker.store_dir}/ota.db?mode=ro", uri=True) as database:
        def number(sql):
            return database.execute(sql, {"batch": batch}).fetchone()[0] or 0
        tasks = number("SELECT COUNT(*) FROM task WHERE batch_id = :batch")
        once = number("SELECT COUNT(DISTINCT device_id) FROM task WHERE batch_id = :batch")
        kept = number("SELECT SUM(n) FROM batch_count WHERE batch_id = :batch")
        excluded = number("SELECT SUM(n) FROM batch_exclusion WHERE batch_id = :batch")
    assert tasks == once == kept, f"{tasks} tasks of {once} devices, {kept} counted"
    assert tasks + excluded == devices, f"{tasks} tasks and {excluded} exclusions of {devices} devices"
    return tasks, excluded
