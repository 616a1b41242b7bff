"""Where things are: the source tree, the build, and room for what a test writes."""

import os
import shutil
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
BUILD = Path(os.environ.get("OTA_BUILD", "build"))
if not BUILD.is_absolute():
    BUILD = ROOT / BUILD

PLUGIN = BUILD / "plugin" / "mosquitto_ota.so"
SCHEMAS = ROOT / "schemas"
GOLDEN = ROOT / "tests" / "golden"
EXAMPLE_CONF = ROOT / "examples" / "mosquitto.conf"
SHARED_MEMORY = Path("/dev/shm")


def plugin():
    """The built plugin, wherever the build put it."""
    if PLUGIN.exists():
        return PLUGIN
    found = sorted(BUILD.rglob("mosquitto_ota.so"))
    return found[0] if found else PLUGIN


def make_memory_directory(prefix="ota-journal-"):
    """A fresh directory in memory, as /run is; an ordinary one where there is no /dev/shm. The caller removes it."""
    base = SHARED_MEMORY if os.access(SHARED_MEMORY, os.W_OK) else None
    return Path(tempfile.mkdtemp(prefix=prefix, dir=base))


def remove(path):
    shutil.rmtree(path, ignore_errors=True)
