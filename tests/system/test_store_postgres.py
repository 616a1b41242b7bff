"""The store's SQL on PostgreSQL: its schema is created and every statement prepared on a server made for this test, on a socket
only.

Several brokers will share one store there. Until that back-end exists this holds its SQL in shape."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import pytest

from harness import places, wait

pytestmark = pytest.mark.needs_no_plugin

PRINTER = places.BUILD / "tests" / "unit" / "plugin" / "store" / "print-statements"
TARGETS = PRINTER.with_name("print-targets")


def server_programs():
    """Debian keeps them off PATH, one directory a major version."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if not found:
        pytest.skip("PostgreSQL is not installed")
    return found[-1].parent


def unprivileged():
    """Popen arguments for a user that is not root, whom PostgreSQL refuses."""
    if os.getuid() != 0:
        return {}
    user = pwd.getpwnam("nobody")
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


class Server:
    def __init__(self, programs, directory):
        self.programs, self.directory, self.identity = programs, directory, unprivileged()
        self.environment = {"PATH": f"{programs}:/usr/bin:/bin", "LC_ALL": "C.UTF-8", "HOME": str(directory)}
        self.process = None

    def run(self, program, *arguments, **more):
        return subprocess.run([self.programs / program, *arguments], capture_output=True, text=True, timeout=60,
                              cwd=self.directory, env=self.environment, **self.identity, **more)

    def start(self):
        # A locale that sorts unlike bytes: a column that forgot its collation is seen. Not every machine has one; C.UTF-8 is
        # always there.
        made = self.run("initdb", "-D", "data", "-U", "ota", "-A", "trust", "--no-sync", "--encoding=UTF8",
                        "--locale-provider=icu", "--icu-locale=en-US")
        assert made.returncode == 0, made.stderr
        settings = ["listen_addresses=", "fsync=off", "max_connections=5", "shared_buffers=1MB"]
        self.process = subprocess.Popen(
            [self.programs / "postgres", "-D", "data", "-k", str(self.directory),
             *(word for each in settings for word in ("-c", each))],
            stdout=(self.directory / "log").open("w"), stderr=subprocess.STDOUT, cwd=self.directory, env=self.environment,
            **self.identity)
        wait.until(self.is_ready, "PostgreSQL takes connections")
        return self

    def is_ready(self):
        assert self.process.poll() is None, (self.directory / "log").read_text()
        return self.run("pg_isready", "-h", str(self.directory)).returncode == 0

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(timeout=30)

    def ask(self, script):
        """Runs a script to its first error; the rows of its answers."""
        answer = self.run("psql", "-X", "-q", "-A", "-t", "-F", "|", "-v", "ON_ERROR_STOP=1", "-h", str(self.directory), "-U",
                          "ota", "-d", "postgres", input=script)
        assert answer.returncode == 0, answer.stderr
        return [line.split("|") for line in answer.stdout.splitlines()]


@pytest.fixture(scope="module")
def server():
    directory = Path(tempfile.mkdtemp(prefix="ota-pg-"))
    identity = unprivileged()
    if identity:
        os.chown(directory, identity["user"], identity["group"])
    made = Server(server_programs(), directory)
    try:
        yield made.start()
    finally:
        made.stop()
        shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="module")
def script():
    if not PRINTER.exists():
        pytest.skip(f"no program at {PRINTER}: build first")
    printed = subprocess.run([PRINTER], capture_output=True, text=True, timeout=10, check=True)
    lines = printed.stdout.splitlines()
    return {"schema": [line for line in lines if not line.startswith("PREPARE ")],
            "statements": [line for line in lines if line.startswith("PREPARE ")]}


@pytest.fixture(scope="module")
def store(server, script):
    """The server with the schema made; returns a function that asks in a session where every statement is prepared."""
    server.ask("\n".join(script["schema"]))
    prepared = "\n".join(script["statements"]) + "\n"
    return lambda question: server.ask(prepared + question)


def test_every_statement_prepares(store, script):
    assert len(script["statements"]) > 70
    assert store("SELECT COUNT(*) FROM pg_prepared_statements;") == [[str(len(script["statements"]))]]


def test_parameters_are_of_the_three_types_the_store_binds(store):
    """An `integer` here would cut off every id beyond 2^31: PostgreSQL takes the type from the first place a parameter stands in.
    """
    strange = store("SELECT name, parameter_types FROM pg_prepared_statements WHERE EXISTS"
                    " (SELECT FROM unnest(parameter_types) t WHERE t::text NOT IN ('bigint', 'smallint', 'text'));")
    assert strange == []


def test_what_target_expressions_become_prepares_too(server, store, tmp_path):
    """These statements are put together as they are asked: every field, over a window, to the end, of a sample, of a group."""
    printed = subprocess.run([TARGETS, tmp_path], capture_output=True, text=True, timeout=10, check=True).stdout
    assert printed.count("PREPARE expression_") == 60
    kinds = store(printed + """
        SELECT COUNT(*) FROM pg_prepared_statements WHERE name LIKE 'expression%';
        SELECT name, parameter_types FROM pg_prepared_statements WHERE name LIKE 'expression%' AND EXISTS
            (SELECT FROM unnest(parameter_types) t WHERE t::text NOT IN ('bigint', 'smallint', 'text'));""")
    assert kinds == [["60"]]


def test_columns_are_of_three_types_and_texts_compare_by_bytes(store):
    strange = store("SELECT table_name, column_name, data_type, collation_name FROM information_schema.columns"
                    " WHERE table_schema = 'public' AND NOT (data_type IN ('bigint', 'smallint')"
                    " OR (data_type = 'text' AND COALESCE(collation_name, '') = 'C'));")
    assert strange == []


def test_every_column_must_have_a_value(store):
    assert store("SELECT table_name, column_name FROM information_schema.columns"
                 " WHERE table_schema = 'public' AND is_nullable = 'YES';") == []


def test_what_differs_between_databases_gives_the_same_here(store):
    """Upserts, RETURNING, ON CONFLICT DO NOTHING on a partial unique index, and the order of names."""
    product = "EXECUTE product_insert('{0}', 1, 'n', 0::smallint, 'auto', 'http', 1, 0);"
    device = "EXECUTE device_insert({0}, 1, 'pk', '{1}', 0, 1, 1, 0, '', 0::smallint, 0::smallint);"
    task = ("EXECUTE task_insert({0}, 1, 4, {1}, 'default', 3, '2', 1, 0, 'pending', 0, '', 0, '', '', '', '', '', 0, 0, '', '',"
            " 1, 0, 0, 0::smallint, 0, 0, 0, 0::smallint, 0::smallint);")
    answers = store("BEGIN;" + product.format("pk") + device.format(1, "a") + device.format(2, "B") + device.format(5, "a") + """
        EXECUTE lease_take(1000, 'id');
        EXECUTE version_count('pk', 'default', '1', 1);
        EXECUTE version_count('pk', 'default', '1', 1);
        EXECUTE version_list('pk', 'default', 10);
        INSERT INTO package (id, rev, product_key, module, version, notes, ext_data, created_ms, created_by, yanked, verification,
            verified_sha256) VALUES (3, 1, 'pk', 'default', '2', '', '', 1, '', 0, 'verified', '');
        INSERT INTO batch (id, rev, product_key, package_id, module, version, name, kind, all_devices, skip_conflicts, strategy,
            created_ms, created_by, state, reason, total, prepared, prepare_after, canceling, started_ms, ended_ms,
            ends_ms)
            VALUES (4, 1, 'pk', 3, 'default', '2', '', 'static', 0, 0, '', 1, '', 'running', '', 0, 1, '', 0, 0, 0, 0);
        """ + task.format(6, 1) + task.format(7, 1) + task.format(8, 2) + """
        EXECUTE batch_count(4, 0, 'pending', '', 2);
        EXECUTE task_count_states(6);
        EXECUTE target_insert(9, 'a');
        EXECUTE conflict_count_targets(9, 'pk', 'default');
        EXECUTE conflict_names_all('pk', 'default', 9, 10);
        SELECT COUNT(*) FROM task;
        EXECUTE device_list('pk', '', 10);
        ROLLBACK;""")
    names = answers[4:6]  # in no order of theirs
    assert sorted(names) == [["B"], ["a"]]
    assert [row for row in answers[:-2] if row not in names] == [["1001"], ["1", "2"], ["pending", "2"], ["1"], ["2"]]
    assert [row[3] for row in answers[-2:]] == ["B", "a"]
