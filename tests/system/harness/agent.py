"""The real ota-agent, and the server's side of its conversation."""

import hashlib
import json
import os
import signal
import subprocess
from pathlib import Path

from . import places, sanitizer, schemas
from .mqtt import Client
from .sentences import heard
from .wait import DEADLINE, Late, until

PRODUCT, DEVICE = "pk1", "dev1"
PROGRAM = places.BUILD / "agent" / "ota-agent"


class Agent:
    """One device: its configuration, its slots, its process. Not started by its constructor."""

    def __init__(self, home, port, **keys):
        self.home = Path(home)
        self.home.mkdir(parents=True, exist_ok=True)
        self.slots = self.home / "slots"
        self.slots.mkdir()
        self.state = self.home / "state"
        self.log_path = self.home / "agent.log"
        self.keys = {"broker": f"mqtt://127.0.0.1:{port}", "product_key": PRODUCT, "device_name": DEVICE, "state_dir": "state",
                     "url_schemes": "http https", "backoff_base": "50ms", "backoff_cap": "200ms", "retry_base": "50ms",
                     "retry_cap": "200ms", "log_level": "debug", **keys}
        self.modules = {"default": {"installer": "file", "slots_dir": "slots"}}
        self.process = None
        self.environment = {}  # more of it, for the next start

    def write_config(self):
        lines = [f"{key} = {value}" for key, value in self.keys.items() if value is not None]
        for name, keys in self.modules.items():
            lines += [f"[module {name}]", *(f"{key} = {value}" for key, value in keys.items())]
        path = self.home / "agent.conf"
        path.write_text("\n".join(lines) + "\n")
        return path

    def hook(self, name, body):
        """Writes a shell script and returns its path."""
        path = self.home / name
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)
        return path

    def command(self, *arguments):
        return [str(PROGRAM), "--config", str(self.write_config()), *map(str, arguments)]

    def call(self, *arguments):
        """Runs it to its end; returns exit code and all output."""
        done = subprocess.run(self.command(*arguments), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=DEADLINE, check=False)
        heard("ota-agent", done.stdout if done.returncode else "")
        return done.returncode, done.stdout

    def provision(self, content=b"image of 1.0.0", version="1.0.0"):
        image = self.home / "factory.bin"
        image.write_bytes(content)
        code, output = self.call("--provision", image, "--version", version)
        assert code == 0, output
        return self

    def start(self):
        with open(self.log_path, "a") as log:
            self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            env={**os.environ, **sanitizer.environment(), **self.environment})
        return self

    def kill(self):
        """kill -9, and nothing is cleaned up."""
        self.process.kill()
        self.process.wait()
        self.process = None

    def stop(self, timeout=DEADLINE):
        """SIGTERM; returns the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.wait(timeout)

    def wait(self, timeout=DEADLINE):
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise Late(f"the agent did not end within {timeout:g} s:\n" + self.log()) from None
        finally:
            self.process = None

    def close(self):
        if self.process is None:
            return
        code = self.stop()
        # One that was started a moment ago may be hit before it takes signals at all.
        assert code in (0, -signal.SIGTERM), f"the agent ended with {code}:\n{self.log()}"

    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def wait_log(self, words, timeout=DEADLINE):
        until(lambda: words in self.log(), f"{words!r} in the agent's log", timeout)

    def current(self):
        return os.readlink(self.slots / "current")

    def running_image(self):
        return (self.slots / "current" / "image").read_bytes()

    def part_size(self, module="default"):
        path = self.state / f"{module}.part"
        return path.stat().st_size if path.exists() else 0


class Server:
    """What the plugin would be: hears what the agent says, pushes. Every message of the agent is checked against the schema."""

    def __init__(self, broker):
        self.heard = None
        self.client = Client(broker.port, "server").connect()
        self.client.subscribe(*(self.topic(verb) for verb in ("inform", "progress")))

    @staticmethod
    def topic(verb):
        return f"/ota/device/{verb}/{PRODUCT}/{DEVICE}"

    def reconnect(self, broker):
        self.client.drop()
        self.__init__(broker)

    def expect_inform(self, timeout=DEADLINE, **wanted):
        """The next inform whose params have these values."""
        while True:
            message = self.client.expect(self.topic("inform"), timeout)
            params = schemas.check_bytes("device/inform#/$defs/ours", message.payload)["params"]
            if all(params.get(key) == value for key, value in wanted.items()):
                return params

    def hear_inform(self, timeout):
        """The version of the next inform, None if there is none in that time; kept in `heard`."""
        self.heard = None
        try:
            self.heard = self.expect_inform(timeout)["version"]
        except Late:
            pass
        return self.heard

    def expect_progress(self, step=None, timeout=DEADLINE):
        """The next report (of that step). A negative that was not asked for is a failure of the test."""
        while True:
            message = self.client.expect(self.topic("progress"), timeout)
            params = schemas.check_bytes("device/progress#/$defs/ours", message.payload)["params"]
            if step is None or int(params["step"]) == step:
                return params
            assert int(params["step"]) >= 0, f"waited for {step}, but: {params}"

    def steps(self):
        """The steps that came since."""
        return [int(json.loads(each.payload)["params"]["step"]) for each in self.client.messages(self.topic("progress"))]

    def push(self, version, url, content, batch=7, attempt=1, **change):
        """As the plugin prints it. change: members of data that shall be other."""
        data = {"size": len(content), "sign": hashlib.sha256(content).hexdigest(), "version": version, "url": url,
                "signMethod": "SHA256", "md5": hashlib.md5(content).hexdigest(), **change}
        if batch:
            data["extData"] = {"_ota": f"{batch}:{attempt}"}
        self.push_raw(json.dumps({"code": "1000", "data": data, "id": 1, "message": "success"}, separators=(",", ":")))

    def push_raw(self, payload):
        self.client.publish(self.topic("upgrade"), payload, 1)

    def ask_cancel(self, batch, attempt):
        self.client.publish(self.topic("cancel"), json.dumps({"id": 1, "params": {"batch": batch, "attempt": attempt}}), 1)

    def fence(self):
        self.client.fence()

    def close(self):
        self.client.disconnect()
