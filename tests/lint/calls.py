"""Calls the house does without: unbounded copies, parsers that cannot fail, shells, and names that can be guessed."""

import pathlib
import re

import tree

BANNED = re.compile(r"\b(strcpy|strcat|sprintf|vsprintf|strtok|atoi|atol|alloca|popen|system|tmpnam|mktemp)[ \t]*\(")


def check(root: pathlib.Path) -> list[str]:
    errors = []
    for path in tree.files(root):
        text = tree.code(path.read_text(errors="replace"))
        name = path.relative_to(root).as_posix()
        errors += [f"{name}:{tree.line_of(text, match.start())}: {match[1]}() is not used here"
                   for match in BANNED.finditer(text)]
    return errors
