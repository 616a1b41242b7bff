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


def values(row):
    """(what, value, is good, words)."""
    kind = row["type"]
    if kind == "integer":
        yield from numbers(row, str, (str(row["low"]), str(row["high"])))
        yield from ((f"the text {text!r}", text, False, ("integer",)) for text in ("x", "1.5", "0x10", "1e3", "", "1 2"))
    elif kind == "size":
        yield from numbers(row, str, (str(row["low"]), str(row["high"])))
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
        yield "one past its limit", "/" + "x" * int(row["size"] - 1), False, (str(int(row["size"]) - 1),)


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
    good = next((line for section, lines in least for line in lines if section == row["section"] and line.startswith(key + " ")),
                None)
    if good:
        yield Case("twice", *_with(build, [good, good], False, (key, "twice")))
    for wrong in (key + key[-1], key.upper()):
        yield Case(f"misspelt as {wrong}", *_with(build, [f"{wrong} = x"], False, (wrong, "unknown key", key)))
    if row["required"] and good:
        yield Case("missing", build([])[0], False, 0, (key, "missing"))


def _with(build, own, is_good, words):
    lines, number = build(own)
    return lines, is_good, number, words
