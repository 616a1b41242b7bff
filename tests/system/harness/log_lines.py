"""Log lines of all programs, `event key=value key="two words"`, taken apart."""

import re

WORD = re.compile(r"[a-z][a-z0-9_]*")
PLAIN = re.compile(r"[^\s\"\\=]+")
QUOTED = re.compile(r'"(?:[^"\\\x00-\x1f\x7f]|\\["\\]|\\x[0-9a-f]{2})*"')
BROKERS = re.compile(r"\d+: ota: (.*)")
IDS = {"product": str, "device": str, "batch": int, "task": int, "attempt": int}


def pairs_of(text):
    """`event key=value key="two words"` -> (event, {key: value}); AssertionError for anything else."""
    event = WORD.match(text)
    assert event, text
    pairs, at = {}, event.end()
    while at < len(text):
        assert text[at] == " ", text
        key = WORD.match(text, at + 1)
        assert key and text[key.end():key.end() + 1] == "=", text
        value = QUOTED.match(text, key.end() + 1) or PLAIN.match(text, key.end() + 1)
        assert value and key[0] not in pairs, text
        pairs[key[0]] = value[0]
        at = value.end()
    for name, kind in IDS.items():
        assert name not in pairs or kind(pairs[name]), text
    return event[0], pairs


def plugins_lines(broker):
    return [pairs_of(line[1]) for line in map(BROKERS.fullmatch, broker.log().splitlines()) if line]
