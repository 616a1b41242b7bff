"""Runs a planted bug as `make test` runs everything, and passes if the sanitizer turned it red.

expect.py PROGRAM WORDS: the program must fail, and a report with WORDS must lie where log_path points. TAP on stdout.
"""

import os
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import sanitizer  # noqa: E402


def main() -> int:
    program, words = sys.argv[1:3]
    name = pathlib.Path(program).name
    print("TAP version 13\n1..2")
    with tempfile.TemporaryDirectory() as directory:
        environment = {**os.environ, **sanitizer.options(pathlib.Path(directory))}
        status = subprocess.run([program], env=environment, capture_output=True, timeout=60, check=False).returncode
        reports = sanitizer.reports(pathlib.Path(directory))
    failed = status != 0
    seen = any(words in text for text in reports.values())
    print(f"{'ok' if failed else 'not ok'} 1 - {name} ends with an error (status {status})")
    print(f"{'ok' if seen else 'not ok'} 2 - {name} leaves a report of: {words}")
    for text in reports.values() if not seen else ():
        print("\n".join(f"# {line}" for line in text.splitlines()))
    return 0 if failed and seen else 1


if __name__ == "__main__":
    sys.exit(main())
