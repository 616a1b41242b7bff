"""Bad input in configuration files: every key of gateway, agent and otactl at its limits, beyond them, of another kind, twice,
misspelt and missing, from the tables the programs read them with. A refusal names file, line, key, and what is allowed. (The
plugin's options have the same reader: tests/unit/plugin/broker/test_options.c.)
"""

import subprocess

import pytest

from harness import places
from surface import settings

pytestmark = pytest.mark.needs_no_plugin

LEAST = {
    "ota-gateway": [("", ["package_dir = packages", "url_key_file = url.key"])],
    "ota-agent": [("", ["broker = mqtt://localhost", "product_key = pk1", "device_name = d1", "state_dir = state"]),
                  ("module", ["installer = file", "slots_dir = slots"])],
    "otactl": [("", ["url = http://127.0.0.1:9", "token = ota_" + "A" * 43])],
}
COMMANDS = {
    "ota-gateway": [places.BUILD / "gateway" / "ota-gateway", "--check-config", "--config"],
    "ota-agent": [places.BUILD / "agent" / "ota-agent", "--check-config", "--config"],
    "otactl": [places.BUILD / "ctl" / "otactl", "product", "list", "--config"],
}
NOT_ASKED = "cannot be reached"  # otactl has no --check-config: a right file is one with which it gets so far
ROWS = [(program, row) for program in LEAST for row in settings.rows(program)]


@pytest.fixture
def home(tmp_path):
    (tmp_path / "url.key").write_text("11" * 32 + "\n")
    (tmp_path / "url.key").chmod(0o600)
    for name in ("packages", "state", "slots"):
        (tmp_path / name).mkdir()
    return tmp_path


def run(program, home, text):
    """(exit code, what was said)."""
    path = home / "a.conf"
    path.write_bytes(text if isinstance(text, bytes) else ("\n".join(text) + "\n").encode())
    path.chmod(0o600)
    done = subprocess.run([*COMMANDS[program], path], capture_output=True, timeout=20, env={"HOME": str(home)}, check=False)
    return done.returncode, (done.stdout + done.stderr).decode("utf-8", "replace")


def lines_of(program):
    return [line for section, lines in LEAST[program] for line in ([f"[{section} default]"] if section else []) + lines]


@pytest.mark.parametrize("program, row", ROWS, ids=[f"{program}-{row['section']}{row['key']}" for program, row in ROWS])
def test_key(home, program, row):
    found = []
    for case in settings.cases(row, LEAST[program]):
        code, said = run(program, home, case.lines)
        if case.is_good:
            # what belongs together is judged behind the reader: only the reader's own words would be wrong here
            found.append(f"{case}: {said}" if f"a.conf:{case.line}: {row['key']}" in said else None)
            continue
        place = f"a.conf:{case.line}: " if case.line else "a.conf:"
        silent = [word for word in (place, *case.words) if word not in said]
        found.append(f"{case}: exit code {code}, {silent} not in: {said}" if silent or code == 0 else None)
    assert not any(found), "\n".join(filter(None, found))


@pytest.mark.parametrize("program", LEAST)
@pytest.mark.parametrize("what, make, words", [
    ("a NUL byte", lambda text: text + b"\0\n", "NUL"), ("a byte that is no UTF-8", lambda text: text + b"# \xff\n", "UTF-8"),
    ("64 KiB and more", lambda text: text + b"#" * 65536, "65536"),
    ("a line without an equals sign", lambda text: text + b"hello\n", "key = value"),
    ("a section without its end", lambda text: text + b"[module x\n", "]"),
    ("an unknown section", lambda text: text + b"[modul x]\n", "modul"),
], ids=lambda value: value if isinstance(value, str) else "")
def test_file(home, program, what, make, words):
    code, said = run(program, home, make(("\n".join(lines_of(program)) + "\n").encode()))
    assert code != 0 and words in said and "a.conf" in said, f"{what}: {code} {said}"


@pytest.mark.parametrize("program", LEAST)
def test_a_byte_order_mark_is_no_part_of_the_first_key(home, program):
    code, said = run(program, home, b"\xef\xbb\xbf" + ("\n".join(lines_of(program)) + "\n").encode())
    assert "unknown key" not in said, said


@pytest.mark.parametrize("program", LEAST)
def test_file_that_cannot_be_read_is_told_by_its_name(home, program):
    for path in (home / "nothing.conf", home):
        done = subprocess.run([*COMMANDS[program], path], capture_output=True, timeout=20, env={"HOME": str(home)}, check=False)
        assert done.returncode != 0 and str(path) in (done.stdout + done.stderr).decode()
