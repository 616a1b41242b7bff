"""Runs every test of a build and counts: meson's (each TAP subtest is one) and pytest's in tests/system.

run.py BUILD [--san MODE] [--unit | --system] [-- PYTEST ARGUMENTS]

Under a sanitizer all programs write their findings into BUILD/findings; each file there is a failed test, whatever its program
made of it. What was skipped is named with its reason. The last line is "N passed, N failed, N skipped". The exit status is 0 only
if something ran and nothing failed.
"""

import argparse
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from typing import NamedTuple

import sanitizer

ROOT = pathlib.Path(__file__).resolve().parents[1]
PYTHON = "/usr/bin/python3"  # Debian's: the first on PATH may be another one, without pytest


class Count(NamedTuple):
    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def __add__(self, other):
        return Count(*(mine + theirs for mine, theirs in zip(self, other)))


def count_cases(cases) -> Count:
    """JUnit's testcase elements, as meson and pytest write them."""
    total = Count()
    for case in cases:
        if case.find("failure") is not None or case.find("error") is not None:
            total += Count(failed=1)
        elif case.find("skipped") is not None:
            total += Count(skipped=1)
        else:
            total += Count(passed=1)
    return total


def skipped_ones(cases) -> list[str]:
    """Each with its reason, which stands in the element below (pytest) or beside it (meson, whose names begin with a number)."""
    told = []
    for case in cases:
        if (mark := case.find("skipped")) is not None:
            reason = mark.get("message") or case.findtext("system-out") or "no reason given"
            told.append(f"skipped: {re.sub('^[0-9]+ - ', '', case.get('name'))}: {reason.strip()}")
    return told


def tell_skipped(log: pathlib.Path) -> None:
    """A number alone hides what was not tested on this machine, and why."""
    for line in skipped_ones(ElementTree.parse(log).iter("testcase")):
        print(line)


def count_single(result: str) -> Count:
    """A meson test without subtests, by the result meson gave it."""
    if result in ("OK", "EXPECTEDFAIL"):
        return Count(passed=1)
    return Count(skipped=1) if result == "SKIP" else Count(failed=1)


def count_meson(logs: pathlib.Path) -> Count:
    """JUnit knows the subtests; only the JSON log knows of a program that died after its last one."""
    suites = {suite.get("name"): suite for suite in ElementTree.parse(logs / "testlog.junit.xml").iter("testsuite")}
    total = Count()
    for line in (logs / "testlog.json").read_text().splitlines():
        test = json.loads(line)
        suite = next((suite for name, suite in suites.items() if name.endswith("." + test["name"])), None)
        count = count_cases(suite.iter("testcase")) if suite is not None else count_single(test["result"])
        if not count.failed and count_single(test["result"]).failed:
            count += Count(failed=1)
        total += count
    return total


def run_meson(build: pathlib.Path, environment: dict[str, str]) -> Count:
    logs = build / "meson-logs"
    for name in ("testlog.junit.xml", "testlog.json"):
        (logs / name).unlink(missing_ok=True)
    status = subprocess.run(["meson", "test", "-C", str(build), "--no-rebuild", "--print-errorlogs"], env=environment,
                            check=False).returncode
    if not (logs / "testlog.json").exists() or not (logs / "testlog.junit.xml").exists():
        print("meson left no log of its tests")
        return Count(failed=1)
    tell_skipped(logs / "testlog.junit.xml")
    count = count_meson(logs)
    return count + Count(failed=1) if status and not count.failed else count


def run_pytest(build: pathlib.Path, environment: dict[str, str], arguments: list[str]) -> Count:
    tests = ROOT / "tests" / "system"
    report = build / "pytest.xml"
    report.unlink(missing_ok=True)
    if not any(tests.rglob("test_*.py")):
        return Count()
    command = [PYTHON, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junit-xml={report}", str(tests), *arguments]
    status = subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode
    if not report.exists():
        print("pytest left no report")
        return Count(failed=1)
    tell_skipped(report)
    count = count_cases(ElementTree.parse(report).iter("testcase"))
    return count + Count(failed=1) if status not in (0, 5) and not count.failed else count


def count_findings(directory: pathlib.Path) -> Count:
    texts = sanitizer.reports(directory)
    for name, text in texts.items():
        print(f"sanitizer, {name}:\n{text}")
    return Count(failed=len(texts))


def prepare(build: pathlib.Path, mode: str) -> tuple[dict[str, str], pathlib.Path]:
    """The environment of every test, and the empty directory of the findings."""
    findings = build / "findings"
    shutil.rmtree(findings, ignore_errors=True)
    findings.mkdir()
    environment = {**os.environ, "OTA_BUILD": str(build), "OTA_SAN": mode, "PYTHONDONTWRITEBYTECODE": "1"}
    if mode != "none":
        environment |= {"OTA_SAN_LOGS": str(findings), **sanitizer.options(findings)}
    return environment, findings


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--san", choices=("none", *sanitizer.MODES), default="none")
    parser.add_argument("--unit", action="store_true", help="meson's tests only")
    parser.add_argument("--system", action="store_true", help="pytest's only")
    border = sys.argv.index("--") if "--" in sys.argv else len(sys.argv)
    options = parser.parse_args(sys.argv[1:border])
    build = options.build.resolve()
    environment, findings = prepare(build, options.san)
    total = Count()
    if not options.system:
        total += run_meson(build, environment)
    if not options.unit:
        total += run_pytest(build, environment, sys.argv[border + 1 :])
    total += count_findings(findings)
    print(f"{total.passed} passed, {total.failed} failed, {total.skipped} skipped")
    return 0 if total.passed and not total.failed else 1


if __name__ == "__main__":
    sys.stdout.reconfigure(line_buffering=True)  # our lines and our children's in the order they came
    sys.exit(main())
