"""Pages that name the test behind each sentence: every row names one, and every named test exists, so that none is renamed or
removed behind a promise.

A page names `test_...` of tests/system, or `suite/name` of tests/unit.
"""

import pathlib
import re

PAGES = ("docs/bad-luck.md", "docs/bad-input.md")
NAME = re.compile(r"`(test_\w+|[a-z_]+/[a-z0-9_]+)`")


def tests(root: pathlib.Path) -> set[str]:
    """Every name of a test there is."""
    known = set()
    for path in (root / "tests/system").glob("test_*.py"):
        known |= set(re.findall(r"^def (test_\w+)\(", path.read_text(), re.M))
    for path in (root / "tests/unit").rglob("test_*.c"):
        known |= {f"{suite}/{name}" for suite, name in re.findall(r"^Test\(\s*(\w+),\s*(\w+)", path.read_text(), re.M)}
    return known


def is_promise(line: str) -> bool:
    """A row of a table that is neither its head nor the rule under it."""
    return line.startswith("| ") and not line.endswith("| tests |")


def check(root: pathlib.Path) -> list[str]:
    known = tests(root)
    errors = []
    for page in PAGES:
        path = root / page
        for number, line in enumerate(path.read_text().splitlines() if path.exists() else [], 1):
            errors += [f"{page}:{number}: there is no test {name}" for name in NAME.findall(line) if name not in known]
            errors += [f"{page}:{number}: the row names no test"] if is_promise(line) and not NAME.search(line) else []
    return errors
