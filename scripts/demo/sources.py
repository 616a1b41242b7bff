"""The tree the demo stands in: what was built, and the examples it starts from."""

import os
from pathlib import Path

PLACES = {
    "mosquitto_ota.so": "plugin/mosquitto_ota.so",
    "ota-gateway": "gateway/ota-gateway",
    "ota-agent": "agent/ota-agent",
    "otactl": "ctl/otactl",
}


class NotBuilt(Exception):
    pass


class Sources:
    def __init__(self):
        self.root = Path(__file__).resolve().parents[2]
        self.examples = self.root / "examples"
        self.build = (self.root / os.environ.get("OTA_BUILD", "build")).resolve()
        for name in PLACES:
            if not self.program(name).exists():
                raise NotBuilt(f"there is no {self.program(name)}; `make build` makes it")

    def program(self, name):
        return self.build / PLACES[name]
