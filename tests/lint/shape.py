"""Sizes: functions, files, lines, nesting, parameters.

The median function has at most 20 lines, 95 % at most 60, none over 100; files 600 lines; lines 130 columns, tabs of 8; nesting
4; parameters 5. Functions are found by universal-ctags, nesting by a small reader of statements.
"""

import pathlib
import re
import shutil
import statistics
import subprocess
from typing import NamedTuple

import tree

LINES_MAX = 100
LINES_MOST = 60  # of 95 %
MEDIAN_MAX = 20
FILE_MAX = 600
NESTING_MAX = 4
PARAMETERS_MAX = 5
WIDTH_MAX = 130
TAB = 8

TOKEN = re.compile(r"[A-Za-z_]\w*|[{}()\[\];:?]|[^\s\w]")
LOOPS = ("if", "for", "while", "switch")


class Function(NamedTuple):
    name: str
    line: int
    end: int
    signature: str

    def lines(self) -> int:
        return self.end - self.line + 1


def functions(path: pathlib.Path) -> list[Function]:
    ctags = shutil.which("ctags-universal") or shutil.which("ctags")
    if not ctags:
        raise SystemExit("lint: universal-ctags is missing; make deps installs it")
    command = [ctags, "-x", "--_xformat=%n\t%e\t%N\t%S", "--kinds-C=f", "--language-force=C", "--fields=+neS"]
    command.append(str(path))
    listing = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    rows = (line.split("\t") for line in listing.splitlines())
    return [Function(name, int(line), int(end), signature) for line, end, name, signature in rows if end.isdigit()]


def parameters(signature: str) -> int:
    """What a caller must supply. Outputs (ret_*, target) and the error record are the house's way to return: not counted."""
    inside = signature.strip()[1:-1].strip()
    if inside in ("", "void"):
        return 0
    depth, names = 0, [""]
    for character in inside:
        depth += (character in "([{") - (character in ")]}")
        if character == "," and depth == 0:
            names.append("")
        else:
            names[-1] += character
    return sum(not re.search(r"\bret_\w+|\btarget\b|\bstruct ota_error\b", name) for name in names)


class Statements:
    """Reads a function's body and knows its deepest nesting: an if, a loop, a switch, a bare block, an else-if chain is one."""

    def __init__(self, text: str):
        self.tokens = TOKEN.findall(text)
        self.position = 0

    def peek(self) -> str:
        return self.tokens[self.position] if self.position < len(self.tokens) else ""

    def take(self) -> str:
        token = self.peek()
        self.position += 1
        return token

    def group(self) -> None:
        """A parenthesis or brace with all it holds."""
        depth = 0
        while self.peek():
            token = self.take()
            depth += (token in "([{") - (token in ")]}")
            if depth <= 0:
                return

    def block(self, depth: int) -> int:
        deepest = depth
        self.take()
        while self.peek() and self.peek() != "}":
            deepest = max(deepest, self.statement(depth))
        self.take()
        return deepest

    def body(self, depth: int) -> int:
        """What a control statement governs, with or without braces."""
        return self.block(depth) if self.peek() == "{" else self.statement(depth)

    def controlled(self, depth: int) -> int:
        self.take()
        self.group()
        deepest = max(depth + 1, self.body(depth + 1))
        if self.peek() == "else":
            self.take()
            below = self.statement(depth) if self.peek() == "if" else self.body(depth + 1)
            deepest = max(deepest, below)
        return deepest

    def statement(self, depth: int) -> int:
        token = self.peek()
        if token in LOOPS:
            return self.controlled(depth)
        if token == "do":
            self.take()
            return max(depth + 1, self.body(depth + 1))
        if token == "{":
            return self.block(depth + 1)
        if token in ("case", "default"):
            while self.peek() and self.take() != ":":
                pass
            return depth
        return self.plain(depth)

    def plain(self, depth: int) -> int:
        """To the semicolon; a block behind a parenthesis that ends no expression is a macro's loop."""
        previous = ""
        while self.peek() and self.peek() != "}":
            token = self.peek()
            if token == "{" and previous == "macro":
                return max(depth + 1, self.block(depth + 1))
            if token in "([{":
                first = self.tokens[self.position - 1] if self.position else ""
                self.group()
                previous = "macro" if token == "(" and first.endswith("ForEach") else ""
                continue
            self.take()
            if token == ";":
                break
            previous = token
        return depth


def nesting(body: str) -> int:
    start = body.find("{")
    return Statements(body[start:]).block(0) if start >= 0 else 0


def function_errors(name: str, function: Function, lines: list[str]) -> list[str]:
    errors = []
    where = f"{name}:{function.line}: {function.name}()"
    if function.lines() > LINES_MAX:
        errors.append(f"{where} has {function.lines()} lines; at most {LINES_MAX}")
    if parameters(function.signature) > PARAMETERS_MAX:
        errors.append(f"{where} has {parameters(function.signature)} parameters; at most {PARAMETERS_MAX}")
    depth = nesting("\n".join(lines[function.line - 1 : function.end]))
    if depth > NESTING_MAX:
        errors.append(f"{where} nests {depth} deep; at most {NESTING_MAX}")
    return errors


def wide_errors(name: str, text: str) -> list[str]:
    """Lines wider than a reader's window. A table that the formatter leaves alone may be as wide as its columns are."""
    errors, is_table = [], False
    for number, line in enumerate(text.split("\n"), 1):
        is_table = "clang-format off" in line or (is_table and "clang-format on" not in line)
        width = len(line.expandtabs(TAB))
        if width > WIDTH_MAX and not is_table:
            errors.append(f"{name}:{number}: has {width} columns; at most {WIDTH_MAX}")
    return errors


def check(root: pathlib.Path) -> list[str]:
    errors, lengths = [], []
    for path in tree.files(root):
        name = path.relative_to(root).as_posix()
        text = path.read_text(errors="replace")
        errors += wide_errors(name, text)
        lines = tree.code(text).split("\n")
        if len(lines) - 1 > FILE_MAX:
            errors.append(f"{name}: has {len(lines) - 1} lines; at most {FILE_MAX}")
        for function in functions(path) if path.suffix == ".c" else ():
            errors += function_errors(name, function, lines)
            if path.relative_to(root).parts[0] != "tests":
                lengths.append(function.lines())
    for path in tree.scripts(root):
        errors += wide_errors(path.relative_to(root).as_posix(), path.read_text(errors="replace"))
    return errors + share_errors(lengths)


def share_errors(lengths: list[int]) -> list[str]:
    if not lengths:
        return []
    errors = []
    short = sum(length <= LINES_MOST for length in lengths) / len(lengths)
    if short < 0.95:
        errors.append(f"only {short:.1%} of {len(lengths)} functions have at most {LINES_MOST} lines; 95 % must")
    if statistics.median(lengths) > MEDIAN_MAX:
        errors.append(f"the median function has {statistics.median(lengths):.0f} lines; at most {MEDIAN_MAX}")
    return errors
