"""The gateway's process, on a free port, in a directory of its own."""

import hashlib
import hmac
import base64
import os
import signal
import subprocess
import time
from pathlib import Path

from harness import places
from harness.wait import DEADLINE, until

from .fake_broker import TOKEN
from .web import Web

PROGRAM = places.BUILD / "gateway" / "ota-gateway"
KEY = "11" * 32


class Gateway:
    """Settings not given are the program's own."""

    def __init__(self, home, broker_url, program=PROGRAM, **settings):
        self.home = Path(home)
        self.home.mkdir(parents=True, exist_ok=True)
        self.package_dir = Path(settings.pop("package_dir", self.home / "packages"))
        self.key_file = self.home / "url.key"
        self.log_path = self.home / "gateway.log"
        self.program = program
        self.settings = {"listen": "127.0.0.1:0", "broker": broker_url, "package_dir": self.package_dir,
                         "url_key_file": self.key_file, "log_level": "debug", **settings}
        self.environment = {}  # more of it, for the next start
        self.process = None
        self.port = None

    def configure(self):
        path = self.home / "gateway.conf"
        path.write_text("".join(f"{key} = {value}\n" for key, value in self.settings.items()))
        if not self.key_file.exists():
            self.key_file.write_text(KEY + "\n")
            self.key_file.chmod(0o600)
        return path

    def start(self):
        port_file = self.home / "port"
        port_file.unlink(missing_ok=True)
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen([self.program, "--config", self.configure(), "--port-file", port_file], stderr=log,
                                            env={**os.environ, **self.environment})
        until(lambda: port_file.exists() or self.process.poll() is not None, "the gateway listens")
        assert self.process.poll() is None, self.log()
        self.port = int(port_file.read_text())
        return self

    def wait_broker(self):
        """Until a command goes to the plugin and back."""
        until(lambda: self.web().get("/healthz").status == 200, "the gateway has its broker")
        return self

    def renew(self):
        """As if it had just been started: running, connected, without packages and without a log."""
        if not self.process:
            self.start()
        for name in self.packages():
            (self.package_dir / name).unlink()
        self.log_path.write_text("")
        return self.wait_broker()

    def stop(self):
        """Ends it; a gateway that does not end with 0 at SIGTERM fails the test."""
        if not self.process:
            return
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(DEADLINE)
        self.process = None
        assert code == 0, f"the gateway ended with {code}:\n{self.log()}"

    def kill(self):
        self.process.kill()
        self.process.wait(DEADLINE)
        self.process = None

    def log(self):
        return self.log_path.read_text() if self.log_path.exists() else ""

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def web(self, token=TOKEN):
        return Web("127.0.0.1", self.port, token)

    def resident_bytes(self, line="VmRSS"):
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(next(each for each in status.splitlines() if each.startswith(line + ":")).split()[1]) * 1024

    def packages(self):
        """Names in the package directory but for the lock."""
        return sorted(each.name for each in self.package_dir.iterdir() if each.name != ".gateway.lock")

    def put_package(self, data):
        """Straight into the directory, as a gateway before us might have."""
        name = hashlib.sha256(data).hexdigest()
        (self.package_dir / name).write_bytes(data)
        return name


def signed(sha256, expires=None, device="0" * 16, key=KEY):
    """The path of a signed URL, computed from docs/protocol.md and not with the program's own code."""
    secret = bytes.fromhex(key)
    path = f"/dl/{sha256}"
    end = str(int(time.time()) + 600 if expires is None else expires)
    mac = hmac.new(secret, f"otadl1\n{path}\n{end}\n{device}".encode(), hashlib.sha256).digest()
    text = base64.urlsafe_b64encode(mac).decode().rstrip("=")
    return f"{path}?e={end}&d={device}&k={hashlib.sha256(secret).hexdigest()[:8]}&s={text}"
