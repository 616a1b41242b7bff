"""`make lint`: every rule of the house that a program can read. Prints each breach as file:line: sentence and counts them.

Breaches that stand with a reason are listed in known.txt; an entry that no longer applies is a breach itself, so that the list
only shrinks. LINT_CPPCHECK=1 runs cppcheck besides, which takes a minute.
"""

import os
import pathlib
import re
import subprocess
import sys

import calls
import includes
import promises
import shape
import tree

ROOT = pathlib.Path(__file__).resolve().parents[2]


def cppcheck(root: pathlib.Path) -> list[str]:
    files = [str(path.relative_to(root)) for path in tree.files(root, tree.PRODUCT, (".c",))]
    command = ["cppcheck", "--quiet", "--enable=warning,portability", "--inline-suppr", "--std=c11", "-D_GNU_SOURCE", "-I.",
               *files]
    command.insert(1, "--template={file}:{line}: {message}")
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=False).stderr.splitlines()


def without_line(error: str) -> str:
    return re.sub(r":\d+: ", ": ", error, count=1)


def unknown(errors: list[str], known: list[str]) -> list[str]:
    """The breaches nobody gave a reason for, and the reasons nobody needs."""
    found = {without_line(error) for error in errors}
    stale = [f"known.txt: no longer true: {entry}" for entry in known if entry not in found]
    return [error for error in errors if without_line(error) not in known] + stale


def main() -> int:
    errors = includes.check(ROOT) + calls.check(ROOT) + shape.check(ROOT) + promises.check(ROOT)
    if os.environ.get("LINT_CPPCHECK"):
        errors += cppcheck(ROOT)
    lines = (pathlib.Path(__file__).with_name("known.txt")).read_text().splitlines()
    errors = unknown(errors, [line for line in lines if line and not line.startswith("#")])
    for error in errors:
        print(error)
    print(f"lint: {len(errors)} breaches")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
