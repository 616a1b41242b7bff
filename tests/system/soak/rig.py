"""The programs of a soak: a broker with the plugin, a gateway, agents as real processes; what each of them writes on a small
disk of its own."""

import os
import signal
import subprocess
import threading
import time
from pathlib import Path

from gateway_rig.process import Gateway
from harness import places
from harness.agent import PROGRAM as AGENT_PROGRAM, Agent
from harness.broker import Broker
from harness.scenario import PRODUCT
from harness.wait import DEADLINE, until

FIRST_IMAGE, FIRST_VERSION = b"image of\0" + b"1.0.0", "1.0.0"
FILLER_PIECE = 4096  # a page, so that nothing smaller is left
OPTIONS = {"repush": "1s", "repush_max": "5s", "start_grace": "2s", "log_level": "info",
           "store_cache": "2M"}  # full by the middle, so that what grows after it is no cache


class Disk:
    """A small file system; where nobody may mount one, a directory that never fills up."""

    def __init__(self, path, mebibytes):
        self.path = Path(path)
        self.path.mkdir(parents=True)
        self.bytes = mebibytes << 20
        command = ["mount", "-t", "tmpfs", "-o", f"size={mebibytes}m", "tmpfs", self.path]
        self.mounted = os.geteuid() == 0 and subprocess.run(command, capture_output=True).returncode == 0
        self._device = os.stat(self.path).st_dev

    def fill(self):
        """Not a byte is left. Nothing is written unless the opened file lies on the small disk itself, and never more than fits
        on it: the machine's own disk is not ours to fill."""
        if not self.mounted:
            return
        with open(self.path / "filler", "wb", buffering=0) as filler:
            if os.fstat(filler.fileno()).st_dev != self._device:
                return
            try:
                for _ in range(self.bytes // FILLER_PIECE + 1):
                    filler.write(bytes(FILLER_PIECE))
            except OSError:
                pass  # full

    def clear(self):
        (self.path / "filler").unlink(missing_ok=True)

    def close(self):
        if self.mounted:
            self.mounted = False
            subprocess.run(["umount", "--lazy", self.path], check=False)


class Rig:
    def __init__(self, home, agents):
        self.home = Path(home)
        self.disks = {"store": Disk(self.home / "broker" / "store", 192), "agents": Disk(self.home / "agents", 32),
                      "packages": Disk(self.home / "broker" / "packages", 64)}
        self.broker = Broker(self.home / "broker", options=OPTIONS)
        self.port = self.broker.reserve_port()
        self.gateway = Gateway(self.home / "gateway", f"mqtt://127.0.0.1:{self.broker.port}", listen=f"127.0.0.1:{self.port}",
                               package_dir=self.broker.package_dir, log_level="info")
        self.agents = [self._agent(f"a{number:02}") for number in range(agents)] if AGENT_PROGRAM.exists() else []
        self._agents_lock = threading.Lock()  # one thread revives them, another kills
        self.ended = 0  # agents that ended by themselves and were started again, as their unit would

    def _agent(self, name):
        agent = Agent(self.disks["agents"].path / name, self.broker.port, product_key=PRODUCT, device_name=name, log_level="info")
        agent.log_path = self.home / f"{name}.log"  # not on the disk that fills up
        return agent.provision(FIRST_IMAGE, FIRST_VERSION)

    def start(self):
        self.gateway.start()
        self.broker.config.set_option("ota_gateway_url", self.gateway.url)
        self.broker.config.set_option("ota_url_key_file", self.gateway.key_file)
        self.broker.start()
        self.gateway.wait_broker()
        for agent in self.agents:
            agent.start()
        return self

    def close(self):
        """Every program has to end as asked."""
        try:
            for agent in self.agents:
                self._end_agent(agent)
            self.gateway.stop()
            self.broker.close()
        finally:
            for disk in self.disks.values():
                disk.close()

    @staticmethod
    def _end_agent(agent):
        if agent.process and agent.process.poll() is None:
            agent.stop()

    def revive(self):
        """A service manager's part: an agent that ended is started again, a broker or gateway that ended is a finding."""
        for agent in self.agents:
            with self._agents_lock:
                if agent.process.poll() is not None:
                    self.ended += 1
                    agent.start()

    def kill_broker(self, away):
        self.broker.kill()
        time.sleep(away)
        self.broker.start()

    def kill_gateway(self, away):
        self.gateway.kill()
        time.sleep(away)
        self.gateway.start()

    def kill_agent(self, agent):
        with self._agents_lock:
            agent.kill()
            agent.start()

    @staticmethod
    def freeze(process, seconds):
        process.send_signal(signal.SIGSTOP)
        time.sleep(seconds)
        process.send_signal(signal.SIGCONT)

    def check_alive(self):
        self.broker.check_alive()
        assert self.gateway.process.poll() is None, "the gateway is gone:\n" + self.gateway.log()[-2000:]

    def wait_up(self):
        until(lambda: self.gateway.web().get("/healthz").status == 200, "the gateway and its broker to answer", 2 * DEADLINE)
