"""What a parameter is given in a query or a path, where everything is text."""

import re
from typing import NamedTuple, Optional
from urllib.parse import quote

from .fields import APART, BY_TYPE, OPAQUE, TYPE_WORDS, allowed_words
from .tables import commands, example_with

LENGTH_OF_PATH = 900  # a request line must stay below it in the tests of values; its own limit has its own test


class Asked(NamedTuple):
    what: str
    target: str
    value: object = None  # what the command must carry, if it is accepted
    code: Optional[str] = None
    path: str = ""
    words: tuple = ()

    def __str__(self):
        return self.what


UPLOAD = {"addPackage": "/api/v1/packages"}  # PUT: the query of an upload is a command, too
MEASURED = ("size", "md5", "url", "dryRun")  # of an upload: nobody may claim it


def template(command):
    return commands()[command].get("get") or UPLOAD.get(command)


def upload_fields(fields):
    """Those that an upload may carry; the body itself decides whether its sha256 is right."""
    return [field for field in fields if field.command in UPLOAD and len(field.path) == 1
            and field.row["type"] in ("text", "integer", "bool", "duration") and field.path[0] not in MEASURED
            and field.row in commands()[field.command]["parameters"]]


def asked_fields(fields):
    """Those that a GET may carry: scalars of commands with an alias."""
    return [field for field in fields if commands()[field.command].get("get") and len(field.path) == 1
            and field.row["type"] in ("text", "integer", "bool", "duration")
            and field.row in commands()[field.command]["parameters"]]


def in_path(field):
    return "{%s}" % field.path[0] in template(field.command)


def spelt(value):
    """As it stands in a query, before its escapes."""
    return {True: "true", False: "false"}.get(value, str(value)) if isinstance(value, bool) else str(value)


def target_of(command, members):
    """members: name -> text as it stands in the target."""
    target = re.sub(r"{(\w+)}", lambda found: members[found[1]], template(command))
    rest = [f"{name}={text}" for name, text in members.items() if "{%s}" % name not in template(command)]
    return target + ("?" + "&".join(rest) if rest else "")


def base_of(field):
    """The members of a good request as text: what the path needs, and what the field's own example holds with it."""
    example = example_with(field)
    needed = re.findall(r"{(\w+)}", template(field.command))
    if not set(needed) <= set(example):
        return None
    return {name: quote(spelt(value), safe=":@") for name, value in example.items() if is_asked(field, name, value)}


def is_asked(field, name, value):
    """Whether a member of the example stands in a query beside the field."""
    spoken = isinstance(value, (str, int, bool)) and not (field.command in UPLOAD and name in (*MEASURED, "sha256"))
    return name == field.path[0] or (spoken and name != APART.get(field.path[0]))


def meant(row, value):
    """The value that a text stands for."""
    return spelt(value) == "true" if row["type"] == "bool" else value


def value_cases(field, base):
    name = field.path[0]
    for what, value, is_good in BY_TYPE[field.row["type"]](field.row, example_with(field).get(name, "")):
        text = spelt(value)
        if in_path(field) and (not text or re.search(r"[^\w.:@-]", text)):
            continue  # another path, with tests of its own
        target = target_of(field.command, {**base, name: quote(text, safe=":@")})
        if is_good:
            yield Asked(what, target, meant(field.row, value))
        else:
            yield Asked(what, target, None, "invalid", name, allowed_words(field.row))


def type_cases(field, base):
    name, kind = field.path[0], field.row["type"]
    wrong = {"integer": ("x", "1.5", "1e2", "0x10", "%207", "7%20", "+7", "", "99999999999999999999", "٣"),
             "bool": ("1", "yes", "True", "", "truefalse"), "duration": ("90", "soon", "-1s", "1h30"), "text": ()}[kind]
    for text in wrong:
        if in_path(field) and not re.fullmatch(r"[\w.]+", text, re.ASCII):
            continue
        target = target_of(field.command, {**base, name: quote(text, safe="%+")})
        yield Asked(f"the text {text!r}", target, None, "invalid", name, (TYPE_WORDS[kind], *allowed_words(field.row)))


def spelling_cases(field, base):
    name = field.path[0]
    target = target_of(field.command, base)
    if in_path(field):
        joint = "&" if "?" in target else "?"
        yield Asked("in the path and in the query", f"{target}{joint}{name}={base[name]}", None, "invalid", name, ("path",))
        return
    yield Asked("twice", f"{target}&{name}={base[name]}", None, "invalid", name, ("twice",))
    others = {key: text for key, text in base.items() if key != name}
    for wrong in (name + name[-1], name[0].upper() + name[1:]):
        yield Asked(f"misspelt as {wrong}", target_of(field.command, {**others, wrong: base[name]}), None, "invalid", wrong,
                    (wrong, name))


def encoding_cases(field, base):
    name, row = field.path[0], field.row
    if in_path(field):
        return
    for text in ("%", "%4", "%zz", "a%00", "%00"):
        yield Asked(f"the escape {text}", target_of(field.command, {**base, name: text}), None, "invalid", name, ("escape",))
    if row["type"] != "text":
        return
    words = allowed_words(row) if row.get("choices") or row.get("allowed") else ("UTF-8",)
    for text in ("%ff", "%c0%af", "%ed%a0%80", "a%01", "a%7f"):
        yield Asked(f"the bytes {text}", target_of(field.command, {**base, name: text}), None, "invalid", name, words)


def cases(field):
    base = base_of(field)
    if base is None:
        return
    for make in (value_cases, type_cases, spelling_cases, encoding_cases):
        if field.path[0] not in OPAQUE or make is not type_cases:
            yield from make(field, base)
