"""One Mosquitto with our plugin, on a free port, with directories of its own."""

import hashlib
import os
import signal
import socket
import subprocess
from pathlib import Path

from . import places, releases, sanitizer
from .config import FALLBACK, Config
from .control import Operator
from .mqtt import Client
from .wait import DEADLINE, until

# Short enough for a test, long enough to tell two things apart.
FAST = {"settle": "200ms", "start_grace": "1s"}


class BrokerDied(AssertionError):
    pass


class Broker:
    """Not started by its constructor: change `config` first if a test needs to. `home` keeps everything but the journal."""

    def __init__(self, home, release=None, plugin=True, options=None, restless=True):
        self.home = Path(home)
        self.home.mkdir(parents=True, exist_ok=True)
        self.release = release or releases.default()
        self.store_dir = self._make("store")
        self.package_dir = self._make("packages")
        self.journal_dir = places.make_memory_directory()
        self._reserved = []
        self.port = self.reserve_port()
        self.log_path = self.home / "broker.log"
        self.process = None
        self.runs = 0
        self.environment = {}  # more of it, for the next start
        self.restless = restless  # whether its clients keep it awake, see harness/mqtt.py
        self.config = self._configure(plugin, {**FAST, **(options or {})})

    def _make(self, name):
        path = self.home / name
        path.mkdir(exist_ok=True)
        return path

    def _configure(self, plugin, options):
        config = Config(places.EXAMPLE_CONF.read_text() if places.EXAMPLE_CONF.exists() else FALLBACK)
        config.set("listener", f"{self.port} 127.0.0.1").set("allow_anonymous", "true")
        config.set("log_dest", "stderr").set("pid_file", None).set("persistence", "false").set("persistence_location", None)
        config.set("password_file", None).set("acl_file", None).set("include_dir", None)
        if os.geteuid() == 0:
            config.set("user", "root")
        if not plugin:
            return config.without_plugin()
        config.set("plugin", places.plugin())
        own = {"store_dir": self.store_dir, "package_dir": self.package_dir, "journal_dir": self.journal_dir,
               "gateway_url": "http://127.0.0.1:8080", "others": "allow", "device_auth": "none"}
        for name, value in {**own, **options}.items():
            config.set_option(f"ota_{name}", value)
        return config

    def reserve_port(self):
        """A port of this broker's until it is closed. It is bound by a socket that never listens: nobody else is given it, while
        who asks for it by number, as the broker does, gets it.
        """
        held = socket.socket()
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", 0))
        self._reserved.append(held)
        return held.getsockname()[1]

    def add_tls_listener(self, certificate, key):
        """A second listener; returns its port. Before the start."""
        port = self.reserve_port()
        self.config.add("listener", f"{port} 127.0.0.1").add("certfile", certificate).add("keyfile", key)
        return port

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.close()

    def start(self, timeout=DEADLINE):
        """Returns once it listens."""
        self._spawn()
        until(self._listens, "the broker to listen", timeout)
        sanitizer.check(self.process.pid)
        return self

    def start_refused(self, timeout=DEADLINE):
        """Starts a broker that must not come up; returns what it logged."""
        self._spawn(ends_early=True)
        try:
            code = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError("the broker runs, but was to refuse its start:\n" + self.log_of_run()) from None
        assert code > 0, f"the broker ended by {'signal ' + str(-code) if code else 'exit 0'}:\n" + self.log_of_run()
        self.process = None
        return self.log_of_run()

    def start_and_kill(self, seconds):
        """kill -9 so long after the program was started, wherever it is then."""
        self._spawn()
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            pass
        self.kill()

    def stop(self, timeout=DEADLINE):
        """SIGTERM; the broker must end with 0."""
        if self.process is None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise BrokerDied("the broker did not end within the deadline:\n" + self.log_tail()) from None
        self.process = None
        if code:
            raise BrokerDied(f"the broker ended with {code}:\n" + self.log_tail())

    def kill(self):
        """kill -9, and nothing is cleaned up."""
        self.process.kill()
        self.process.wait()
        self.process = None

    def restart(self, kill=False):
        """The same port, store, journal and packages."""
        if kill:
            self.kill()
        else:
            self.stop()
        return self.start()

    def close(self):
        try:
            self.stop()
        finally:
            for held in self._reserved:
                held.close()
            places.remove(self.journal_dir)

    def check_alive(self):
        if self.process is None or self.process.poll() is not None:
            code = self.process.returncode if self.process else None
            raise BrokerDied(f"the broker is gone (exit {code}):\n" + self.log_tail())

    def client(self, client_id, username=None, password=None, **more):
        return Client(self.port, client_id, username, password, **{"restless": self.restless, **more})

    def operator(self, token=None, client_id="operator"):
        return Operator(self, token or self.admin_token(), client_id).connect()

    def admin_token(self):
        path = self.store_dir / "admin.token"
        until(path.exists, "the admin token to be written")
        return path.read_text().strip()

    def add_file(self, content):
        """Puts an image where the plugin looks for it; returns the members addPackage wants."""
        sha256 = hashlib.sha256(content).hexdigest()
        (self.package_dir / sha256).write_bytes(content)
        return {"size": len(content), "sha256": sha256, "md5": hashlib.md5(content).hexdigest()}

    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def log_of_run(self):
        """What the process started last has logged."""
        return self.log().rpartition(self._headline())[2]

    def log_tail(self, lines=40):
        return "\n".join(self.log().split("\n")[-lines:])

    def wait_log(self, words, timeout=DEADLINE):
        until(lambda: words in self.log_of_run(), f"{words!r} in the broker's log", timeout)

    def _headline(self):
        return f"--- run {self.runs} ---\n"

    def _spawn(self, ends_early=False):
        self.runs += 1
        path = self.home / "mosquitto.conf"
        path.write_text(self.config.text(), encoding="utf-8", errors="surrogateescape")
        environment = {**os.environ, **sanitizer.environment(ends_early), **self.environment}
        with open(self.log_path, "a") as log:
            log.write(self._headline())
            log.flush()
            self.process = subprocess.Popen([*self.release.command, "-c", str(path)], stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log, env=environment, start_new_session=True)

    def _listens(self):
        """Whether our own process holds the listening socket: a connection alone could be answered by a stranger who took the
        port.
        """
        self.check_alive()
        held = set()
        for each in Path(f"/proc/{self.process.pid}/fd").iterdir():
            try:
                held.add(os.readlink(each))
            except OSError:
                pass  # closed meanwhile
        for line in Path("/proc/net/tcp").read_text().split("\n")[1:]:
            words = line.split()
            if words and words[3] == "0A" and int(words[1].rpartition(":")[2], 16) == self.port:
                return f"socket:[{words[9]}]" in held
        return False
