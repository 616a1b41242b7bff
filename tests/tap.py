"""TAP for checks written in Python: each function is one test, and its docstring is the rule it holds."""

import sys
import traceback


def run(tests) -> int:
    """Runs the functions in order, prints TAP, returns the exit status."""
    failed = 0
    print(f"TAP version 13\n1..{len(tests)}")
    for number, test in enumerate(tests, 1):
        try:
            test()
            print(f"ok {number} - {test.__doc__}")
        except Exception:  # whatever went wrong is this test's failure, and the next one still runs
            failed += 1
            print(f"not ok {number} - {test.__doc__}")
            print("\n".join(f"# {line}" for line in traceback.format_exc().splitlines()))
    sys.stdout.flush()
    return 1 if failed else 0
