"""The broker with the plugin, and the gateway: each started from its file in examples/."""

import os
import secrets
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request

from daemon import Daemon
from example import Example

GATEWAY_USER = "ota-gateway"
SYSTEM_PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"


class NotReady(Exception):
    pass


def find_program(name):
    path = shutil.which(name, path=SYSTEM_PATH)
    if not path:
        raise NotReady(f"there is no {name}; `make deps` installs it")
    return path


def wait_for(is_ready, what, daemons, seconds=15):
    """The event or a sentence; never longer than its deadline, and not for a program that has died."""
    deadline = time.monotonic() + seconds
    while not is_ready():
        for daemon in daemons:
            daemon.check()
        if time.monotonic() > deadline:
            raise NotReady(f"waited {seconds} s for {what}")
        time.sleep(0.05)


class Servers:
    """Ports are fixed before anything starts, because each of the two must know the other's."""

    def __init__(self, sources, scratch, settle):
        self._sources = sources
        self._scratch = scratch
        self._settle = settle
        self.broker_port = scratch.port()
        self.gateway_port = scratch.port()
        self.url = f"http://127.0.0.1:{self.gateway_port}"
        self._store = scratch.directory("store")
        self._packages = scratch.directory("packages")
        self.token_file = self._store / "admin.token"
        self.version = subprocess.run([find_program("mosquitto"), "-h"], capture_output=True, text=True,
                                      check=False).stdout.split("\n")[0]
        self.daemons = []

    def start_broker(self, started):
        self._write_password()
        command = [find_program("mosquitto"), "-c", self._broker_config()]
        broker = self._start("broker", command, started)
        wait_for(self._broker_listens, "the broker to listen", [broker])
        wait_for(self.token_file.exists, "the plugin to write the first operator's token", [broker])

    def start_gateway(self, started):
        command = [self._sources.program("ota-gateway"), "--config", self._gateway_config()]
        gateway = self._start("gateway", command, started)
        wait_for(self._gateway_is_well, "the gateway to reach the broker", [*self.daemons, gateway])

    def _start(self, name, command, started):
        daemon = Daemon(name, command, self._scratch.home / f"{name}.log")
        started.append(daemon)
        self.daemons.append(daemon)
        return daemon

    def _broker_config(self):
        example = Example(self._sources.examples / "mosquitto.conf", " ")
        example.set_all({
            "listener": f"{self.broker_port} 127.0.0.1",
            "plugin": self._sources.program("mosquitto_ota.so"),
            "plugin_opt_ota_store_dir": self._store,
            "plugin_opt_ota_package_dir": self._packages,
            "plugin_opt_ota_journal_dir": self._scratch.memory,
            "plugin_opt_ota_gateway_url": self.url,
            "password_file": self._password_file(),
            "acl_file": self._sources.examples / "ota.acl",
        })
        example.add("plugin_opt_ota_settle", self._settle, after="plugin")
        if os.geteuid() == 0:
            # Started by root, Mosquitto becomes the user mosquitto, who cannot write here.
            example.add("user", "root", after="allow_anonymous")
        example.add("log_dest", "stderr", after="allow_anonymous")
        return example.write(self._scratch.home / "mosquitto.conf")

    def _gateway_config(self):
        example = Example(self._sources.examples / "gateway.conf")
        example.set_all({
            "listen": f"127.0.0.1:{self.gateway_port}",
            "broker": f"mqtt://127.0.0.1:{self.broker_port}",
            "broker_username": GATEWAY_USER,
            "broker_password_file": self._scratch.home / "gateway.password",
            "package_dir": self._packages,
            "url_key_file": self._store / "url.key",
        })
        return example.write(self._scratch.home / "gateway.conf")

    def _password_file(self):
        return self._scratch.home / "ota.passwd"

    def _write_password(self):
        """The gateway's password at the broker, hashed for the one and plain for the other."""
        password = secrets.token_urlsafe(24)
        plain = self._scratch.home / "gateway.password"
        plain.touch(mode=0o600)
        plain.write_text(password + "\n")
        self._password_file().touch(mode=0o600)
        self._password_file().write_text(f"{GATEWAY_USER}:{password}\n")
        subprocess.run([find_program("mosquitto_passwd"), "-U", str(self._password_file())], check=True)

    def _broker_listens(self):
        try:
            socket.create_connection(("127.0.0.1", self.broker_port), timeout=1).close()
            return True
        except OSError:
            return False

    def _gateway_is_well(self):
        try:
            with urllib.request.urlopen(self.url + "/healthz", timeout=5) as answer:
                return answer.status == 200
        except (urllib.error.URLError, OSError):
            return False
