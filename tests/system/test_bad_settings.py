"""Bad input in configuration files: every key of gateway, agent and otactl at its limits, beyond them, of another kind, twice,
misspelt and missing, from the tables the programs read them with. A refusal names file, line, key, and what is allowed. The
plugin's options, which come in the broker's own file, are walked in the same way without a broker
(tests/surface/check_options.c); that a refused one stops a broker's start is shown in test_access.py.
"""

import subprocess

import pytest

from harness import places, sanitizer
from harness.sentences import heard
from surface import settings

pytestmark = pytest.mark.needs_no_plugin

LEAST = {
    "ota-gateway": [("", ["package_dir = packages", "url_key_file = url.key"])],
    "ota-agent": [("", ["broker = mqtt://localhost", "product_key = pk1", "device_name = d1", "state_dir = state"]),
                  ("module", ["installer = file", "slots_dir = slots"])],
    "mosquitto_ota": [("", ["ota_store_dir = /x/store", "ota_package_dir = /x/packages", "ota_gateway_url = http://127.0.0.1",
                            "ota_others = defer", "ota_device_auth = none"])],
    "otactl": [("", ["url = http://127.0.0.1:9", "token = ota_" + "A" * 43])],
}
COMMANDS = {
    "ota-gateway": [places.BUILD / "gateway" / "ota-gateway", "--check-config", "--config"],
    "ota-agent": [places.BUILD / "agent" / "ota-agent", "--check-config", "--config"],
    "otactl": [places.BUILD / "ctl" / "otactl", "product", "list", "--config"],
    "mosquitto_ota": [places.BUILD / "tests" / "surface" / "check-options"],
}
PROGRAMS = [program for program in LEAST if program != "mosquitto_ota"]  # that read a file of their own
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
    path.write_bytes(text if isinstance(text, bytes) else ("\n".join(text) + "\n").encode("utf-8", "surrogateescape"))
    path.chmod(0o600)
    return run_on(program, home, path)


def run_on(program, home, path, *before):
    done = subprocess.run([*before, *COMMANDS[program], path], capture_output=True, timeout=20, env={"HOME": str(home)},
                          check=False)
    # without the directory, which is named after the test
    said = (done.stdout + done.stderr).decode("utf-8", "replace").replace(f"{home}/", "")
    heard(f"settings of {program}", said if done.returncode else "")
    return done.returncode, said


def is_right(program, code, said):
    """otactl has no --check-config: a right file is one with which it gets as far as the gateway."""
    return "127.0.0.1:9" in said and code == 1 if program == "otactl" else code == 0


def place_of(program, case):
    if program == "mosquitto_ota":
        return f"{case.words[0]}: " if case.line else ""
    return f"a.conf:{case.line}: " if case.line else "a.conf:"


def lines_of(program):
    return [line for section, lines in LEAST[program] for line in ([f"[{section} default]"] if section else []) + lines]


@pytest.mark.parametrize("program, row", ROWS, ids=[f"{program}-{row['section']}{row['key']}" for program, row in ROWS])
def test_key(home, program, row):
    found = []
    for case in settings.cases(row, LEAST[program]):
        code, said = run(program, home, case.lines)
        if case.is_good:
            # what belongs together is judged behind the reader: only the reader's own words would be wrong here
            found.append(f"{case}: {said}" if f"{place_of(program, case)}{row['key']}" in said else None)
            continue
        silent = [word for word in (place_of(program, case), *case.words) if word not in said]
        found.append(f"{case}: exit code {code}, {silent} not in: {said}" if silent or code == 0 else None)
    assert not any(found), "\n".join(filter(None, found))


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("what, make, words", [
    ("a NUL byte", lambda text: text + b"\0\n", "NUL"), ("a byte that is no UTF-8", lambda text: text + b"# \xff\n", "UTF-8"),
    ("64 KiB and more", lambda text: text + b"#" * 65536, "65536"),
    ("a line without an equals sign", lambda text: text + b"hello\n", "key = value"),
    ("a section without its end", lambda text: text + b"[module x\n", "]"),
    ("an unknown section", lambda text: text + b"[modul x]\n", "modul"),
    ("a line of 60 000 characters", lambda text: b"a" * 60000 + b" = x\n" + text, "a.conf:1: "),
    ("a value of 60 000 characters", lambda text: text.replace(b"= ", b"= " + b"x" * 60000, 1), "are allowed"),
    ("UTF-16", lambda text: text.decode().encode("utf-16"), "UTF-8"),
], ids=lambda value: value if isinstance(value, str) else "")
def test_file(home, program, what, make, words):
    code, said = run(program, home, make(("\n".join(lines_of(program)) + "\n").encode()))
    assert code != 0 and words in said and "a.conf" in said, f"{what}: {code} {said}"


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("make", [
    lambda text: b"\xef\xbb\xbf" + text, lambda text: text.replace(b"\n", b"\r\n"), lambda text: b"\n \t\n# x = y\n" + text,
    lambda text: text.replace(b" = ", b"="), lambda text: b"#" + b"x" * 60000 + b"\n" + text, lambda text: text[:-1],
], ids=["byte-order-mark", "Windows", "empty-lines", "no-spaces", "a-long-comment", "no-last-line-end"])
def test_what_editors_do_to_a_file_is_no_mistake(home, program, make):
    code, said = run(program, home, make(("\n".join(lines_of(program)) + "\n").encode()))
    assert is_right(program, code, said), f"{code} {said}"


@pytest.mark.parametrize("lines, words", [
    (["[module default]", "installer = file", "slots_dir = slots"], "section [module default] stands twice"),
    (["[module]", "installer = file"], "needs a name: [module NAME]"),
    (["[modules radio]", "installer = file"], "did you mean [module NAME]"),
    (["[module " + "x" * 200 + "]"], "at most"),
    (["[module a/b]", "installer = file", "slots_dir = s2"], '"a/b" is no module name; allowed: '),
    (["[module ..]", "installer = file", "slots_dir = s2"], '".." is no module name'),
    (["[module url]", "installer = file", "slots_dir = s2"], "none of the protocol's own words"),
    (["[module b]", "installer = file", "slots_dir = slots"], "slots_dir is that of [module default]; each needs its own"),
    (["broker = mqtt://x"], "broker: belongs into the head of the file, not into a section [module NAME]"),
], ids=lambda value: value[0][:20] if isinstance(value, list) else "")
def test_sections_of_the_agent(home, lines, words):
    code, said = run("ota-agent", home, lines_of("ota-agent") + lines)
    assert code == 2 and words in said, f"{code} {said}"


@pytest.mark.parametrize("program", PROGRAMS)
def test_file_that_cannot_be_read_is_told_by_its_name(home, program):
    for path in (home / "nothing.conf", home):
        code, said = run_on(program, home, path)
        assert code != 0 and (path.name if path != home else str(path)) in said, said


@pytest.mark.parametrize("program", PROGRAMS)
def test_file_that_may_not_be_read_is_told_by_its_name(home, program):
    """Root without the right to read everything."""
    run(program, home, lines_of(program))
    (home / "a.conf").chmod(0)
    drop = "-dac_override,-dac_read_search"
    code, said = run_on(program, home, home / "a.conf", "setpriv", f"--bounding-set={drop}", f"--inh-caps={drop}")
    assert code != 0 and "a.conf: Permission denied" in said, said


@pytest.mark.skipif(sanitizer.chosen() is not None, reason="a sanitizer takes more memory than the limit leaves")
@pytest.mark.parametrize("program", PROGRAMS)
def test_file_of_100_mb_is_refused_before_it_is_read(home, program):
    path = home / "a.conf"
    with path.open("wb") as file:
        file.truncate(100 * 1024 * 1024)
    code, said = run_on(program, home, path, "prlimit", "--data=33554432")
    assert code != 0 and "a.conf is larger than 65536 bytes" in said, said
    code, said = run_on(program, home, "/dev/zero", "prlimit", "--data=33554432")
    assert code != 0 and "/dev/zero is larger than 65536 bytes" in said, said


@pytest.mark.parametrize("program, lines", [
    ("ota-gateway", []), ("ota-gateway", ["broker_username = x", "broker_password_file = secret"]),
    ("ota-agent", ["device_secret_file = secret"]), ("otactl", ["token_file = secret"])],
    ids=["url_key_file", "broker_password_file", "device_secret_file", "token_file"])
def test_secret_that_others_may_read_is_refused_with_its_mode(home, program, lines):
    path = home / ("secret" if lines else "url.key")
    text = [line for line in lines_of(program) if not line.startswith("token =")]
    path.write_text(path.read_text() if path.exists() else "ota_" + "A" * 43 + "\n")
    for mode in (0o644, 0o660, 0o604):
        path.chmod(mode)
        code, said = run(program, home, lines + text)
        assert code != 0 and f"{path.name}: has mode {mode:03o}; it must be its owner's alone (chmod 600)" in said, said
    path.chmod(0o600)
    code, said = run(program, home, lines + text)
    assert is_right(program, code, said), said
