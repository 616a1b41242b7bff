"""A broker's configuration file: the shipped example with a test's own lines put over it.

Keys that may stand once are replaced where they stand; the plugin's options follow its `plugin` line, because Mosquitto gives an
option to the plugin named last before it.
"""

FALLBACK = """\
listener 1883
allow_anonymous true
persistence false
plugin mosquitto_ota.so
"""


class Config:
    """An ordered list of (key, value) lines."""

    def __init__(self, text=FALLBACK):
        self.lines = []
        for line in text.split("\n"):
            key, _, value = line.strip().partition(" ")
            if key and not key.startswith("#"):
                self.lines.append((key, value.strip()))

    def set(self, key, value):
        """Replaces every line of that key by one, or adds it at the top. None removes it."""
        places = [index for index, line in enumerate(self.lines) if line[0] == key]
        for index in reversed(places):
            del self.lines[index]
        if value is not None:
            self.lines.insert(places[0] if places else 0, (key, str(value)))
        return self

    def set_option(self, name, value):
        """An option of our plugin."""
        self.set(f"plugin_opt_{name}", None)
        if value is not None:
            self.lines.insert(self._plugin() + 1, (f"plugin_opt_{name}", str(value)))
        return self

    def add(self, key, value=""):
        """One more line at the end."""
        self.lines.append((key, str(value)))
        return self

    def option(self, name):
        return dict(self.lines).get(f"plugin_opt_{name}")

    def without_plugin(self):
        self.lines = [line for line in self.lines if line[0] != "plugin" and not line[0].startswith("plugin_opt_")]
        return self

    def text(self):
        return "".join(f"{key} {value}".rstrip() + "\n" for key, value in self.lines)

    def _plugin(self):
        for index, (key, _) in enumerate(self.lines):
            if key == "plugin":
                return index
        raise ValueError("the configuration names no plugin")
