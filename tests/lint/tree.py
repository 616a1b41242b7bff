"""The files a rule looks at, and C text without what is not code."""

import pathlib
import re
import subprocess

PRODUCT = ("common", "link", "service", "plugin", "agent", "gateway", "ctl", "simulator", "examples")
SOURCES = (*PRODUCT, "tests")

NOISE = re.compile(
    r"""//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'""",
    re.DOTALL,
)


def scripts(root: pathlib.Path) -> list[pathlib.Path]:
    """Python, ours as much as C."""
    return files(root, (*SOURCES, "docs", "scripts"), (".py",))


def files(root: pathlib.Path, rooms=SOURCES, endings=(".c", ".h")) -> list[pathlib.Path]:
    """What git knows or would add, so that no build directory is read; every file where there is no git."""
    command = ["git", "-C", str(root), "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listing = subprocess.run(command, capture_output=True, text=True, check=False)
    if listing.returncode == 0:
        found = [root / name for name in listing.stdout.split("\0") if name]
    else:
        found = [path for path in root.rglob("*") if path.is_file()]
    wanted = [path for path in found if path.suffix in endings and path.relative_to(root).parts[0] in rooms]
    return sorted(path for path in wanted if path.exists())


def code(text: str) -> str:
    """Comments and literals blanked, line breaks kept, so that positions and line numbers stay true."""
    return NOISE.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), text)


def line_of(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1
