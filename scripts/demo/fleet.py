"""The devices: each an ota-agent, a process with a configuration, a state directory and two firmware slots of its own."""

import csv
import hashlib
import json
import subprocess
from pathlib import Path

from daemon import Daemon
from example import Example

MODULE = "module default"


class BadDevice(Exception):
    pass


class Device:
    def __init__(self, name, product, scratch):
        self.name = name
        self.product = product
        self.home = scratch.directory(f"devices/{name}")
        self.slots = scratch.directory(f"devices/{name}/slots")
        self.log = self.home / "agent.log"
        self._config = self.home / "agent.conf"

    def configure(self, sources, broker_port):
        example = Example(sources.examples / "agent.conf")
        example.set_all({
            "broker": f"mqtt://127.0.0.1:{broker_port}",
            "product_key": self.product,
            "device_name": self.name,
            "device_secret_file": self.home / "device.secret",
            "state_dir": self.home,
            # Loopback, so http; a device in the field keeps the default, https alone.
            "url_schemes": "http https",
            "restart": "reexec",
        })
        example.set_all({
            "installer": "file",
            "slots_dir": self.slots,
            "check": Path(__file__).resolve().parent / "flash",
        }, MODULE)
        example.write(self._config)

    def give_secret(self, secret):
        """As in the factory, too: its own, and nobody else's."""
        path = self.home / "device.secret"
        path.touch(mode=0o600)
        path.write_text(secret + "\n")

    def provision(self, agent, firmware):
        """As in the factory: the first slot filled before the device is ever switched on."""
        command = [agent, "--config", self._config, "--provision", firmware.path, "--version", firmware.version]
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise BadDevice(f"{self.name} could not be provisioned: {done.stderr.strip()}")

    def start(self, agent):
        return Daemon(self.name, [agent, "--config", self._config], self.log)

    def active_slot(self):
        return (self.slots / "current").resolve(strict=True)

    def active_image(self):
        return self.active_slot() / "image"

    def active_version(self):
        return json.loads((self.active_slot() / "manifest.json").read_text())["version"]

    def fault(self, firmware):
        """What is wrong with the image that the device would boot, read from its slot and not asked of anybody; None if it is the
        artifact.
        """
        try:
            sha256 = hashlib.sha256(self.active_image().read_bytes()).hexdigest()
        except OSError as error:
            return f"its active slot cannot be read: {error}"
        if sha256 != firmware.sha256:
            return f"its active slot {self.active_slot().name} holds {sha256[:12]}..., the package is {firmware.sha256[:12]}..."
        return None


class Fleet:
    def __init__(self, product, count, scratch):
        self.product = product
        self.devices = [Device(f"{product}-{number:02d}", product, scratch) for number in range(1, count + 1)]
        self.names = [device.name for device in self.devices]

    def give_secrets(self, table):
        """The table that `otactl device add --secrets --out` wrote, one row a device."""
        with open(table, newline="") as file:
            secrets = {row["device_name"]: row["device_secret"] for row in csv.DictReader(file)}
        for device in self.devices:
            device.give_secret(secrets[device.name])

    def start(self, sources, broker_port, firmware, started):
        agent = sources.program("ota-agent")
        for device in self.devices:
            device.configure(sources, broker_port)
            device.provision(agent, firmware)
            started.append(device.start(agent))

    def corrupt_one(self):
        """Flips one bit of one device's active image: what the proof at the end must find."""
        device = self.devices[len(self.devices) // 2]
        path = device.active_image()
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.chmod(0o600)
        path.write_bytes(content)
        return device

    def faults(self, firmware):
        found = {device.name: device.fault(firmware) for device in self.devices}
        return {name: fault for name, fault in found.items() if fault}
