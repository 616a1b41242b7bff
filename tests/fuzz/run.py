"""Bad input by the hundred thousand: `make fuzz`, FUZZ_REQUESTS=100000 SEED=....

run.py [--requests N] [--seed S] [--only control|rest]    prints the seed; a failure leaves its frames in BUILD/fuzz
run.py --replay FILE                                      sends them again
"""

import argparse
import os
import pathlib
import secrets
import shutil
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "system"))
sys.path.insert(0, str(ROOT / "tests"))
import control  # noqa: E402
import rest  # noqa: E402
import sanitizer  # noqa: E402
from harness import places  # noqa: E402

PARTS = {"control": control, "rest": rest}


def one(name, seed, requests, record):
    """Whether this part went well."""
    home = pathlib.Path(tempfile.mkdtemp(prefix="ota-fuzz-"))
    begun = time.monotonic()
    try:
        figures = PARTS[name].fuzz(home, seed, requests, record)
    except control.Failure as failure:
        print(f"fuzz {name}: FAILED: {failure}\n  again: tests/fuzz/run.py --replay {record}\n  files: {home}")
        return False
    took = time.monotonic() - begun
    print(f"fuzz {name}: seed={seed} " + " ".join(f"{key.replace(' ', '_')}={value}" for key, value in figures.items())
          + f" seconds={took:.0f}")
    shutil.rmtree(home)
    record.unlink(missing_ok=True)
    return True


def again(record):
    home = pathlib.Path(tempfile.mkdtemp(prefix="ota-fuzz-"))
    try:
        PARTS[record.name.partition("-")[0]].replay(home, record)
    except control.Failure as failure:
        print(f"fuzz: FAILED again: {failure}")
        return False
    print("fuzz: nothing is wrong with it any more")
    return True


def sanitize(findings):
    """Where a sanitizer's reports of this run will be; None when there is none, or when who called us looks after them."""
    if os.environ.get("OTA_SAN", "none") == "none" or os.environ.get("OTA_SAN_LOGS"):
        return None
    shutil.rmtree(findings, ignore_errors=True)
    findings.mkdir()
    os.environ.update({**sanitizer.options(findings), "OTA_SAN_LOGS": str(findings)})
    return findings


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=100_000, help="of each part")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--only", choices=PARTS)
    parser.add_argument("--replay", type=pathlib.Path)
    options = parser.parse_args()
    if options.replay:
        return 0 if again(options.replay) else 1
    seed = secrets.randbelow(1 << 32) if options.seed is None else options.seed
    print(f"fuzz: SEED={seed} FUZZ_REQUESTS={options.requests}", flush=True)
    records = places.BUILD / "fuzz"
    records.mkdir(exist_ok=True)
    findings = sanitize(records / "findings")
    good = all([one(name, seed, options.requests, records / f"{name}-{seed}.frames")
                for name in PARTS if options.only in (None, name)])
    for name, text in sanitizer.reports(findings).items() if findings else ():
        print(f"sanitizer, {name}:\n{text}")
        good = False
    return 0 if good else 1


if __name__ == "__main__":
    sys.stdout.reconfigure(line_buffering=True)
    sys.exit(main())
