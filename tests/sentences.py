"""Gathers in BUILD/sentences.txt every distinct sentence that people met while tests ran: refusals, errors of command lines,
prose in logs.

sentences.py BUILD [PYTEST ARGUMENTS]; without arguments those tests that make the most mistakes. To be read by somebody who is
tired: does it name the thing, and say what is allowed or what to do?

Two sentences are one when they differ in numbers, in what they quote and in names that tests make up.
"""

import collections
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

SYSTEM = pathlib.Path(__file__).resolve().parent / "system"
MISTAKES = ("test_bad_commands.py", "test_bad_requests.py", "test_bad_settings.py", "test_otactl*.py", "test_agent_command.py",
            "test_agent_once.py", "test_agent.py", "test_batches.py", "test_devices.py", "test_operators.py", "test_yank.py",
            "test_backup.py", "test_import.py", "test_gateway_upload.py", "test_gateway_download.py", "test_bad_luck_disk.py")
TEMPORARY = re.compile(r"/tmp/[^ ,:;]*/")
SAME = ((r'"(?:[^"\\]|\\.)*"', '"…"'), (r"\b[0-9a-f]{16,}\b", "HEX"), (r"\d+", "N"), (r"(.)\1{15,}", "…"),
        (r"\bunknown key \S+", "K"))


def shape(text):
    for pattern, word in SAME:
        text = re.sub(pattern, word, text)
    return text


def main():
    build, words = sys.argv[1], sys.argv[2:]
    chosen = words or sorted(str(path) for name in MISTAKES for path in SYSTEM.glob(name))
    with tempfile.NamedTemporaryFile() as file:
        environment = {**os.environ, "OTA_BUILD": os.path.abspath(build), "OTA_SENTENCES": file.name}
        done = subprocess.run([sys.executable, "-B", "-m", "pytest", "-q", *chosen], cwd=SYSTEM, env=environment, check=False)
        met = collections.defaultdict(dict)
        for line in file:
            who, text = json.loads(line)
            text = TEMPORARY.sub("", text)
            met[who].setdefault(shape(text), text)
    target = pathlib.Path(build) / "sentences.txt"
    with open(target, "w", encoding="utf-8") as out:
        for who, sentences in sorted(met.items()):
            print(f"{who}: {len(sentences)}", *sorted(sentences.values()), sep="\n    ", file=out)
    print(f"{sum(map(len, met.values()))} sentences in {target}")
    return done.returncode


sys.exit(main())
