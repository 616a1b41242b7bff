"""What each field is given, and what must come of it: at its limit, one past it, of another type, missing, doubled, misspelt, in
another encoding. The expectation is read off the field's row and nothing else.
"""

import re
from typing import NamedTuple, Optional

from .tables import dotted, example_with, member
from .text import Pairs, Raw, change

MOST_INTEGER = 2**53 - 1
OPAQUE = ("after",)  # what a page gave; whether another text is a cursor depends on how the list is ordered
PARTS = {"tag": "k" * 32 + "="}  # texts whose parts have limits of their own begin like this to reach the whole one's
APART = {"since": "until", "until": "since"}  # bounds of each other: at the end of its range the one stands without the other
UNITS = (("d", 86400000), ("h", 3600000), ("m", 60000), ("s", 1000), ("ms", 1))


class Case(NamedTuple):
    """A command's members and what they meet. code None: the check lets them pass."""

    what: str
    members: Pairs
    code: Optional[str] = None
    path: str = ""
    words: tuple = ()  # of the sentence
    breaks: bool = False  # no JSON of ours: the whole document is refused, not the command

    def __str__(self):
        return self.what


def duration(ms):
    """As operators write it."""
    if ms == 0:
        return "0s"
    return next(f"{ms // size}{unit}" for unit, size in UNITS if ms % size == 0)


def allowed_words(row):
    """What a sentence about a value out of bounds must say."""
    if row.get("choices"):
        return tuple(row["choices"])
    if row["type"] in ("names", "objects"):
        return (f"{row['low']}..{row['high']}",)
    if row.get("allowed"):
        return (row["allowed"],)
    if row["type"] == "duration":
        return duration(row["low"]), duration(row["high"])
    if row["type"] == "integer" and row["high"] == MOST_INTEGER:
        return (f"{row['low']} and more",)
    if row["type"] in ("integer", "text"):
        return str(row["low"]), str(row["high"])
    return ()


TYPE_WORDS = {"text": "text", "integer": "integer", "bool": "true or false", "duration": "90s", "object": "object",
              "names": "array of names", "objects": "array of objects"}
# What is between the limits is another parser's business, with tests of its own.
GRAMMARS = {"where", "abortCauses", "retryCauses", "causes"}
TYPED = {"text": "x", "integer": 7, "fraction": 1.5, "bool": True, "null": None, "list": [], "object": {}}
FITS = {"text": ("text",), "duration": (), "integer": ("integer",), "bool": ("bool",), "object": ("object",), "names": ("list",),
        "objects": ("list",)}


def wrong_types(row):
    """(name, value) of each JSON type the field is not of."""
    return [(name, value) for name, value in TYPED.items() if name not in FITS[row["type"]]]


def stretched(row, example, size):
    """A text of that many bytes: the example, grown, so that it keeps its shape."""
    text = PARTS.get(row["name"], example if isinstance(example, str) else "")
    return (text + "a" * size)[:size]


def texts(row, example):
    if row.get("choices"):
        yield from ((f"the choice {each}", each, True) for each in row["choices"])
        yield "no choice", row["choices"][0] + "x", False
        yield "no choice, cut in a character where it is quoted", "x" + "é" * 40, False
        yield "a choice in capitals", row["choices"][0].upper(), False
        yield "nothing", "", False
        return
    if row["name"] not in OPAQUE:
        yield "at its limit", stretched(row, example, row["high"]), True
    yield "one past its limit", stretched(row, example, row["high"] + 1), False
    yield "nothing", "", row["low"] == 0
    if row["name"] in OPAQUE:
        return
    if not row.get("allowed") and row["name"] not in GRAMMARS:
        if row["high"] // 2 * 2 >= row["low"]:
            yield "at its limit in two-byte characters", "é" * (row["high"] // 2), True
        yield "one past its limit in two-byte characters", "é" * (row["high"] // 2 + 1), False


def integers(row, _):
    yield "at its least", row["low"], True
    yield "at its most", row["high"], True
    yield "below its least", row["low"] - 1, False
    if row["high"] < MOST_INTEGER:
        yield "above its most", row["high"] + 1, False


def durations(row, _):
    yield "at its least", duration(row["low"]), True
    yield "at its most", duration(row["high"]), True
    yield "above its most", duration(row["high"] + 1), False
    if row["low"] > 0:
        yield "below its least", duration(row["low"] - 1), False


def name_lists(row, example):
    if row["name"] in GRAMMARS:
        yield "as in the example", example, True
        return
    names = [f"d{number}" for number in range(row["high"] + 1)]
    yield "one", names[:1], True
    yield "at its most", names[:-1], True


def plain(_, example):
    yield "as in the example", example, True


BY_TYPE = {"text": texts, "integer": integers, "duration": durations, "names": name_lists, "bool": plain, "object": plain,
           "objects": plain}

# Each with the words of the refusal. These are refused before anybody looks for a command.
ENCODINGS = [
    ("a byte that is no UTF-8", b'"a\xff"', "UTF-8"), ("an overlong slash", b'"a\xc0\xaf"', "UTF-8"),
    ("a surrogate in UTF-8", b'"\xed\xa0\x80"', "UTF-8"), ("half a surrogate pair", b'"\\ud800"', "surrogate"),
    ("an escaped NUL", b'"a\\u0000"', "\\u0000"), ("a NUL byte", b'"a\0"', "NUL byte"),
    ("a raw control byte", b'"a\x01"', "control byte"), ("an unknown escape", b'"\\x41"', "escape"),
]


def value_cases(field, base):
    """Values of the right type, good and bad."""
    row, path = field.row, dotted(field.path)
    try:
        example = member(base, field.path)
    except KeyError:  # of those that any command may carry
        example = False if row["type"] == "bool" else ""
    for what, value, is_good in BY_TYPE[row["type"]](row, example):
        members = change(base, field.path, lambda key, _, value=value: [(key, value)])
        yield Case(what, members) if is_good else Case(what, members, "invalid", path, allowed_words(row))


def type_cases(field, base):
    row, path = field.row, dotted(field.path)
    for name, value in wrong_types(row):
        members = change(base, field.path, lambda key, _, value=value: [(key, value)])
        yield Case(f"of the type {name}", members, "invalid", path, (TYPE_WORDS[row["type"]], *allowed_words(row)))


def presence_cases(field, base):
    row, path = field.row, dotted(field.path)
    if row["required"]:
        yield Case("missing", change(base, field.path, lambda *_: []), "invalid", path, ("missing",))
    twice = change(base, field.path, lambda key, old: [(key, "x" if old is None else old)] * 2)
    yield Case("twice", twice, "invalid", path, ("twice",), True)
    name, above = field.path[-1], field.path[:-1]
    for what, wrong in (("with a letter too many", name + name[-1]), ("in other case", name[0].upper() + name[1:])):
        members = change(base, field.path, lambda _, old, wrong=wrong: [(wrong, "x" if old is None else old)])
        yield Case(f"misspelt, {what}", members, "invalid", dotted((*above, wrong)), ("unknown", name))


def encoding_cases(field, base):
    path = dotted(field.path)
    if field.row["type"] not in ("text", "duration"):
        return
    for what, raw, words in ENCODINGS:
        yield Case(what, change(base, field.path, lambda key, _, raw=raw: [(key, Raw(raw))]), "invalid", path, (words,), True)
    text = b'"\\u0001' + b"a" * max(0, int(field.row["low"]) - 1) * (field.row["type"] == "text") + b'"'
    escaped = change(base, field.path, lambda key, _: [(key, Raw(text))])
    yield Case("an escaped control character", escaped, "invalid", path, control_words(field.row))


def control_words(row):
    """What is said of a control character: by the field's own rule, where it has one."""
    if row["type"] == "duration":
        return (TYPE_WORDS["duration"],)
    return allowed_words(row) if row.get("choices") or row.get("allowed") else ("control characters",)


def names_cases(field, base):
    """What stands in an array of names, told by its index."""
    row, path = field.row, dotted(field.path)
    if row["type"] != "names" or row["name"] in GRAMMARS:
        return
    rule = row.get("allowed", "1..64 letters")
    longest = int(re.search(r"1\.\.(\d+)", rule)[1])
    most = [f"d{number}" for number in range(row["high"] + 1)]
    for what, value, code, place, words in (
            ("empty", [], "invalid", path, allowed_words(row)), ("one more than its most", most, "limit", path,
                                                                 allowed_words(row)),
            ("a name twice", ["a", "b", "a"], "invalid", path, ("twice", '"a"')),
            ("a number among the names", ["a", 7], "invalid", f"{path}[1]", (rule,)),
            ("a name one past its limit", ["a" * (longest + 1)], "invalid", f"{path}[0]", (rule,)),
            ("a name with a slash", ["a", "b", "a/b"], "invalid", f"{path}[2]", (rule,)),
            ("a name at its limit", ["a" * longest], None, "", ())):
        yield Case(what, change(base, field.path, lambda key, _, value=value: [(key, value)]), code, place, words)


def objects_cases(field, base):
    """What stands in an array of objects, told by its index."""
    row, path = field.row, dotted(field.path)
    if row["type"] != "objects":
        return
    one = member(base, field.path)[0]
    for what, value, code, place, words in (
            ("empty", [], None if row["low"] == 0 else "invalid", path, allowed_words(row)),
            ("one more than its most", [one] * (row["high"] + 1), "limit", path, allowed_words(row)),
            ("a number among the objects", [one, 7], "invalid", f"{path}[1]", ("object",)),
            ("an unknown member in the second", [one, {**one, "strange": 1}], "invalid", f"{path}[1].strange", ("unknown",))):
        yield Case(what, change(base, field.path, lambda key, _, value=value: [(key, value)]), code, place, words)


def cases(field):
    base = {name: value for name, value in example_with(field).items() if name != APART.get(field.path[0])}
    for make in (value_cases, type_cases, presence_cases, encoding_cases, names_cases, objects_cases):
        yield from make(field, base)
