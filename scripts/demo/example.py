"""The files of examples/ with this demo's own values put in. A key that the example does not show is an error: then the demo and
the example have drifted apart, and a newcomer would be shown what he cannot copy.
"""

import re
from pathlib import Path


class Drifted(Exception):
    pass


class Example:
    """One file of lines "key value" (separator " ") or "key = value" (separator " = ")."""

    def __init__(self, path, separator=" = "):
        self.path = Path(path)
        self.separator = separator
        self.lines = self.path.read_text().splitlines()

    def set(self, key, value, section=""):
        """Replaces the line of that key, also one that is commented out and shows a default. Sections are those of INI files."""
        index = self._find(key, section)
        self.lines[index] = f"{key}{self.separator}{value}"
        return self

    def set_all(self, values, section=""):
        for key, value in values.items():
            self.set(key, value, section)
        return self

    def add(self, key, value, after):
        """A line that the example leaves to its reader, behind the line of another key."""
        self.lines.insert(self._find(after, "") + 1, f"{key}{self.separator}{value}")
        return self

    def write(self, path):
        path.write_text("\n".join(self.lines) + "\n")
        return path

    def _find(self, key, section):
        wanted = re.compile(rf"#?\s?{re.escape(key)}\s*{re.escape(self.separator.strip())}(\s|$)")
        places = [index for index, (inside, line) in enumerate(self._sections()) if inside == section and wanted.match(line)]
        live = [index for index in places if not self.lines[index].startswith("#")]
        if not places:
            raise Drifted(f"{self.path}: shows no \"{key}\"" + (f" in [{section}]" if section else ""))
        return (live or places)[0]

    def _sections(self):
        inside = ""
        for line in self.lines:
            if line.startswith("["):
                inside = line.strip("[] \t")
            yield inside, line
