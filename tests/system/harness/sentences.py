"""Writes down what a test's programs told people, where OTA_SENTENCES names a file: see tests/sentences.py."""

import json
import os
import re

FILE = os.environ.get("OTA_SENTENCES")
TOLD = re.compile(r'(?:^|ota: |Z (?:info|warning|error|debug) )([a-z][a-z0-9_]*)((?: [a-z0-9_]+=(?:"(?:[^"\\]|\\.)*"|\S*))+)$')
PROSE = re.compile(r' (advice|detail|meaning|problem|reason|text|told)="((?:[^"\\]|\\.)*)"')


def heard(who, text):
    if FILE:
        with open(FILE, "a", encoding="utf-8") as file:
            file.writelines(json.dumps([who, line]) + "\n" for line in text.splitlines() if line.strip())


def heard_logs(home):
    """Of the logs below a directory: the event and whatever is prose in it."""
    for path in home.rglob("*.log") if FILE else ():
        for line in path.read_text(errors="replace").splitlines():
            match = TOLD.search(line)
            prose = PROSE.findall(match[2]) if match else []
            if prose:
                heard(f"log of the {path.stem}", " ".join([match[1], *(f"{key}: {text}" for key, text in prose)]))
