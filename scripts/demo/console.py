"""What the newcomer sees: chapters, remarks, and the commands an operator would type, each printed before it runs for real."""

import json
import os
import shlex
import shutil
import subprocess
import sys
import textwrap

WIDTH_MAX = 100
INDENT = "    "


class Surprise(Exception):
    """A command ended otherwise than the story says."""


class Console:
    def __init__(self, otactl, url, token_file):
        self._otactl = str(otactl)
        self.settings = {"OTA_URL": url, "OTA_TOKEN_FILE": str(token_file)}
        self._is_bold = sys.stdout.isatty() and "NO_COLOR" not in os.environ
        self._chapter = 0

    def chapter(self, title):
        self._chapter += 1
        print("\n" + self._bold(f"{self._chapter}. {title}"))

    def say(self, text):
        print("\n".join(textwrap.wrap(text, self._width(), break_long_words=False, break_on_hyphens=False)))

    def type(self, *words, code=0):
        """Prints `$ otactl ...` and runs it in the open; a terminal stays a terminal for it."""
        print(self._bold(self._spell(words)))
        ended = subprocess.run(self._command(words), env=self._environment(), check=False).returncode
        if ended != code:
            raise Surprise(f"otactl {words[0]} {words[1]} ended with exit code {ended}, not {code}")

    def ask(self, *words):
        """The same program behind the scenes; each line of its answer is an object."""
        done = subprocess.run(self._command(("-o", "jsonl", *words)), env=self._environment(), capture_output=True, text=True,
                              check=False)
        if done.returncode != 0:
            raise Surprise(f"otactl {shlex.join(str(word) for word in words)}: {done.stderr.strip()}")
        return [json.loads(line) for line in done.stdout.splitlines() if line]

    def _spell(self, words):
        """As one would type it: an option stays with its value, and a long line goes on behind a backslash."""
        parts = []
        for word in (shlex.quote(str(word)) for word in words):
            if parts and parts[-1].startswith("-") and " " not in parts[-1] and not word.startswith("-"):
                parts[-1] += " " + word
            else:
                parts.append(word)
        lines = ["$ otactl"]
        for part in parts:
            if len(lines[-1]) + len(part) + 3 > self._width():
                lines[-1] += " \\"
                lines.append(INDENT + part)
            else:
                lines[-1] += " " + part
        return "\n".join(lines)

    def _command(self, words):
        sys.stdout.flush()
        return [self._otactl, *(str(word) for word in words)]

    def _environment(self):
        return {**os.environ, **self.settings}

    def _bold(self, text):
        return f"\x1b[1m{text}\x1b[0m" if self._is_bold else text

    @staticmethod
    def _width():
        return min(WIDTH_MAX, shutil.get_terminal_size((WIDTH_MAX, 24)).columns)
