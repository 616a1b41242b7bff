"""A stock broker with a sanitizer's runtime preloaded, for a plugin that was built with it.

OTA_SAN=address|thread asks for it, OTA_SAN_LOGS names the directory of the reports. Only the broker's process gets the library;
any file in the directory fails the run.
"""

import os
import subprocess
from pathlib import Path

WHOLE_STACKS = "OTA_SAN_WHOLE_STACKS"
LIBRARIES = {"address": "libasan.so", "thread": "libtsan.so"}
# Mosquitto 2.0.11 itself, without any plugin, loses one node of its tree of subscriptions when a client takes its own session
# over (clean=false, same id). To know that leak by the function it comes from, stacks have to be whole, which costs most of the
# broker's speed: for the tests that take sessions over alone (the fixture of that name).
LEAKS_OF_THE_BROKER = "leak:sub__add\n"
OPTIONS = {
    "address": ("ASAN_OPTIONS", "detect_leaks=1:abort_on_error=0:exitcode=86"),
    "thread": ("TSAN_OPTIONS", "exitcode=86:second_deadlock_stack=1"),
}


def chosen():
    name = os.environ.get("OTA_SAN", "none")
    if name in ("", "none", "undefined"):
        return None
    if name not in LIBRARIES:
        raise ValueError(f"OTA_SAN is {name}; it may be address or thread")
    return name


def logs():
    """Where the reports go; None without a sanitizer."""
    if not chosen():
        return None
    path = Path(os.environ.get("OTA_SAN_LOGS") or "build/sanitizer-logs").resolve()
    path.mkdir(parents=True, exist_ok=True)
    return path


def environment(ends_early=False):
    """What the broker's environment gets on top. A stock broker that gives up its start leaves its own configuration allocated:
    then leaks are not looked for.
    """
    name = chosen()
    if not name:
        return {}
    library = subprocess.run(["gcc", f"-print-file-name={LIBRARIES[name]}"], capture_output=True, text=True, check=True)
    variable, options = OPTIONS[name]
    if ends_early:
        options += ":detect_leaks=0"
    if name == "address" and os.environ.get(WHOLE_STACKS):
        options += ":fast_unwind_on_malloc=0"
    return {"LD_PRELOAD": library.stdout.strip(), variable: f"log_path={logs() / 'report'}:{options}",
            "LSAN_OPTIONS": f"suppressions={known_leaks()}:print_suppressions=0"}


def known_leaks():
    """Beside the reports' directory, in which any file is a failure."""
    path = logs().with_name(logs().name + "-known")
    path.write_text(LEAKS_OF_THE_BROKER)
    return path


def check(pid):
    """A broker that runs without the runtime it was to have would prove nothing."""
    if chosen():
        library = LIBRARIES[chosen()]
        assert library in Path(f"/proc/{pid}/maps").read_text(), f"{library} is not loaded into the broker"


def reports():
    """The text of every report written so far, by file name."""
    if not chosen():
        return {}
    return {path.name: path.read_text(errors="replace") for path in sorted(logs().iterdir()) if path.is_file()}
