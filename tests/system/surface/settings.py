"""What each key of a configuration file is given, and what must come of it; from the programs' own tables."""

from typing import NamedTuple

from .fields import duration
from .tables import tables

NO_LIMIT = 2**63 - 1


class Case(NamedTuple):
    """Lines of a file. Refused: with the line of the key, its name and these words."""

    what: str
    lines: list
    is_good: bool
    line: int = 0
    words: tuple = ()

    def __str__(self):
        return self.what


def rows(program):
    return tables()["configs"][program]


def is_bounded(row):
    return (row["low"], row["high"]) != (0, 0)


def numbers(row, spell, words):
    """At both ends and beyond."""
    if not is_bounded(row):
        return
    yield "at its least", spell(row["low"]), True, ()
    yield "at its most", spell(row["high"]), True, ()
    yield "above its most", spell(row["high"] + 1), False, words
    if row["low"] > 0:
        yield "below its least", spell(row["low"] - 1), False, words


def size(number):
    """As the programs write it."""
    for unit, bytes_each in (("G", 2**30), ("M", 2**20), ("k", 2**10)):
        if number and number % bytes_each == 0:
            return f"{number // bytes_each}{unit}"
    return str(number)


def good_value(row):
    """Any value that the reader takes."""
    return {"integer": str(row["low"]), "size": size(row["low"]), "duration": duration(row["low"]), "bool": "yes", "path": "/x",
            "text": "x", "choice": row.get("choices", [""])[0]}[row["type"]]


def texts(row):
    most = int(row["size"] - 1)
    yield "at its limit", "/" + "x" * (most - 1), True, ()
    yield "one past its limit", "/" + "x" * most, False, (str(most),)
    yield "with a control character", "/x\x01y", False, ("control characters",)
    yield "with a tab", "/x\ty", False, ("control characters",)
    if row["required"]:
        yield "empty", "", False, ("path" if row["type"] == "path" else "empty",)


def values(row):
    """(what, value, is good, words)."""
    kind = row["type"]
    if kind == "integer":
        yield from numbers(row, str, (str(row["low"]), str(row["high"])))
        yield from ((f"the text {text!r}", text, False, ("integer",)) for text in ("x", "1.5", "0x10", "1e3", "", "1 2"))
    elif kind == "size":
        yield from numbers(row, str, (size(row["low"]), size(row["high"])))
        yield from ((f"the text {text!r}", text, False, ("16M",)) for text in ("x", "-1", "1Q", "", "1.5M"))
    elif kind == "duration":
        yield from numbers(row, duration, (duration(row["low"]), duration(row["high"])))
        yield from ((f"the text {text!r}", text, False, ("duration", "90s")) for text in ("soon", "90", "-1s", "", "1h30m"))
    elif kind == "choice":
        yield from ((f"the choice {each}", each, True, ()) for each in row["choices"])
        yield from ((f"the text {text!r}", text, False, tuple(row["choices"])) for text in ("x", "", row["choices"][0] + "x"))
    elif kind == "bool":
        yield from ((f"the text {text!r}", text, False, ("yes", "no")) for text in ("x", "1", "YES", ""))
    else:
        yield from texts(row)


def cases(row, least):
    """`least`: (section, lines) of a file that is right; the head first."""
    key = row["key"]
    others = [(section, [line for line in lines if section != row["section"] or line.partition(" ")[0] != key])
              for section, lines in least]

    def build(own):
        """The file with these lines for the key, and the number of the last of them."""
        out, number = [], 0
        for section, lines in others:
            out += [f"[{section} default]"] if section else []
            out += lines
            if section == row["section"]:
                out += own
                number = len(out)
        return out, number

    for what, value, is_good, words in values(row):
        yield Case(what, *_with(build, [f"{key} = {value}"], is_good, (key, *words)))
    least_line = next((line for section, lines in least for line in lines
                       if section == row["section"] and line.startswith(key + " ")), None)
    good = least_line or f"{key} = {good_value(row)}"
    yield Case("twice", *_with(build, [good, good], False, (key, "twice")))
    for wrong in (key + key[-1], key.upper()):
        yield Case(f"misspelt as {wrong}", *_with(build, [f"{wrong} = x"], False, (wrong, "unknown", key)))
    if row["required"]:
        yield Case("missing", build([])[0], False, 0, (key, "missing"))
    if row["type"] in ("text", "path"):
        yield Case("in another encoding", build([f"{key} = /\udcff"])[0], False, 0, ("UTF-8",))


def _with(build, own, is_good, words):
    lines, number = build(own)
    return lines, is_good, number, words
