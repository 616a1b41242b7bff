"""The runner counts what happened: the logs of meson and pytest are shown to it as they look after each kind of end."""

import contextlib
import io
import json
import pathlib
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree

import run
import sanitizer
import tap

SUITE = '<testsuite name="p.{name}" tests="0">{cases}</testsuite>'
PASSED, FAILED, SKIPPED = '<testcase name="a" classname="c"/>', '<testcase name="b" classname="c"><failure/></testcase>', \
    '<testcase name="d" classname="c"><skipped/></testcase>'


def counted(*tests: tuple[str, str, str | None]) -> run.Count:
    """What the runner makes of meson's logs of (name, result, subtests)."""
    with tempfile.TemporaryDirectory() as directory:
        logs = pathlib.Path(directory)
        suites = "".join(SUITE.format(name=name, cases=cases) for name, _, cases in tests if cases is not None)
        (logs / "testlog.junit.xml").write_text(f"<testsuites>{suites}</testsuites>")
        (logs / "testlog.json").write_text("".join(json.dumps({"name": name, "result": result}) + "\n"
                                                   for name, result, _ in tests))
        return run.count_meson(logs)


def subtests_are_counted():
    """each TAP subtest is one test"""
    assert counted(("a", "FAIL", PASSED * 3 + FAILED * 2 + SKIPPED), ("b", "OK", PASSED)) == (4, 2, 1)


def silent_deaths_are_counted():
    """a program that dies after its last subtest, or before its first, is a failure"""
    assert counted(("a", "ERROR", PASSED * 3)) == (3, 1, 0)
    assert counted(("a", "TIMEOUT", None)) == (0, 1, 0)
    assert counted(("a", "ERROR", PASSED + FAILED)) == (1, 1, 0), "but not counted twice"


def plain_tests_are_counted():
    """a test without subtests is one by its result"""
    assert counted(("a", "OK", None), ("b", "FAIL", None), ("c", "SKIP", None), ("d", "EXPECTEDFAIL", None)) == (2, 1, 1)


def skipped_tests_are_named():
    """a skipped test is told by its name and its reason, as meson and as pytest write them"""
    cases = ElementTree.fromstring(
        f"<testsuite>{PASSED}{SKIPPED}"
        '<testcase name="6 - disk::full" classname="c"><skipped/><system-out>needs root</system-out></testcase>'
        '<testcase name="test_upload[a - b]" classname="c">'
        '<skipped message="needs a disk">file:1: needs a disk</skipped></testcase>'
        '</testsuite>')
    assert run.skipped_ones(cases) == [
        "skipped: d: no reason given", "skipped: disk::full: needs root", "skipped: test_upload[a - b]: needs a disk"]


def findings_fail_the_run():
    """any file among the sanitizer's findings is a failure, and its text is shown"""
    with tempfile.TemporaryDirectory() as directory:
        place = pathlib.Path(directory)
        assert run.count_findings(place) == (0, 0, 0)
        (place / "report.1").write_text("one")
        (place / "another-name").write_text("two")
        shown = io.StringIO()
        with contextlib.redirect_stdout(shown):
            count = run.count_findings(place)
        assert count == (0, 2, 0)
        assert "one" in shown.getvalue() and "two" in shown.getvalue()
        assert all(str(place) in value for value in sanitizer.options(place).values())


def nothing_is_no_success():
    """a run of nothing exits with an error and still ends with the count"""
    with tempfile.TemporaryDirectory() as directory:
        command = [sys.executable, run.__file__, directory, "--unit"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.returncode
    assert done.stdout.splitlines()[-1] == "0 passed, 1 failed, 0 skipped", done.stdout


if __name__ == "__main__":
    sys.exit(tap.run([subtests_are_counted, silent_deaths_are_counted, plain_tests_are_counted, skipped_tests_are_named,
                      findings_fail_the_run, nothing_is_no_success]))
