"""What hostile devices do, as fast as their line carries it. tests/bench/hostile.py measures what the others feel of it,
test_hostile.py does each once.

An attack is a table row: what its devices send, over and over, each on a connection. Whoever is cut off connects again at once.
"""

import json
import multiprocessing
import os
import select
import socket
from typing import Callable, NamedTuple

from sdk.connect import c4

from . import packets
from .scenario import PRODUCT

SECRET = "0123456789abcdef0123456789abcdef"
NEVER_MADE = "evil-nobody"


def hello(name, secret=SECRET):
    client_id, password = c4(name, secret)
    return packets.connect(client_id, f"{name}&{PRODUCT}", password)


def topic(verb, name):
    return f"/ota/device/{verb}/{PRODUCT}/{name}"


def _report(verb, name, number, params, qos=0):
    return packets.publish(topic(verb, name), json.dumps({"id": str(number), "params": params}), qos, number)


def _steps(name):
    return b"".join(_report("progress", name, number, {"step": str(number % 100)}) for number in range(1, 200))


def _versions(name, qos=0):
    return b"".join(_report("inform", name, number, {"version": f"9.{number}"}, qos) for number in range(1, 200))


def _versions_qos_1(name):
    return _versions(name, 1)


def _long_reports(name):
    return _report("inform", name, 1, {"version": "9.9", "more": "x" * 16200}) * 4


def _too_long_report(name):
    return packets.publish(topic("progress", name), b"x" * (1 << 20))


def _endless_packet(name):
    whole = packets.publish(topic("progress", name), b"")
    return whole[:1] + b"\x80\x80\x80\x32" + whole[2:] + b"x" * 65536  # says that 100 MiB come


def _malformed(name):
    bodies = [b"{" * 1000, b"[" * 16000, b'{"params":' * 7, b'{"params":{"step":"' + b"9" * 900 + b'"}}', b"\xff\xfe" * 300,
              b'{"params":{"step":"1","desc":"' + b"\xc3\x28" * 200 + b'"}}', b"", b"null", b'{"params":{"step":1e999}}']
    return b"".join(packets.publish(topic(verb, name), body) for body in bodies for verb in ("progress", "inform")) * 5


def _others_topics(name):
    return b"".join(packets.publish(each, b'{"params":{"version":"9"}}') for each in (
        topic("inform", "d0001"), topic("upgrade", "d0001"), topic("upgrade", name), topic("inform", name) + "/x",
        f"/sys/{PRODUCT}/d0001/thing/ota/firmware/get")) * 40


def _subscriptions(name):
    filters = [topic("upgrade", name), topic("upgrade", "d0001"), "/ota/device/upgrade/#", f"/sys/{PRODUCT}/+/thing/#"]
    return b"".join(packets.subscribe(number, [each], 1) + packets.unsubscribe(number, [each])
                    for number, each in enumerate(filters * 20, 1))


def _pulls(name):
    get = f"/sys/{PRODUCT}/{name}/thing/ota/firmware/get"
    return b"".join(packets.publish(get, json.dumps({"id": str(number), "params": {}})) for number in range(200))


def _blocks(name):
    body = '{"id":"%d","params":{"fileInfo":{"streamId":1,"fileId":1},"fileBlock":{"size":131072,"offset":0}}}'
    return b"".join(packets.publish(f"/sys/{PRODUCT}/{name}/thing/file/download", body % number) for number in range(200))


def _nothing(_name):
    return b""


class Attack(NamedTuple):
    say: Callable                 # name -> bytes, again and again
    secret: str = SECRET
    reads: bool = True
    hangs_up: bool = False        # as soon as it is let in
    forged: Callable = None       # name -> whose name it uses
    log: str = None               # what the broker's log says of it
    unanswered: bool = False      # the broker itself ends it: nothing of it reaches the plugin


ATTACKS = {
    "steps": Attack(_steps, log="device_floods"),
    "versions": Attack(_versions, log="device_floods"),
    "versions, QoS 1": Attack(_versions_qos_1, log="report_put_off"),
    "reports of 16 KiB": Attack(_long_reports, log="device_floods"),
    "reports of 1 MiB": Attack(_too_long_report, unanswered=True),
    "packets of 100 MiB": Attack(_endless_packet, unanswered=True),
    "malformed reports": Attack(_malformed, log="device_floods"),
    "others' topics": Attack(_others_topics, log="device_floods"),
    "subscriptions": Attack(_subscriptions, log="device_floods"),
    "pulls": Attack(_pulls, log="device_floods"),
    "blocks": Attack(_blocks, log="device_floods"),
    "pulls, never reads": Attack(_pulls, reads=False, log="device_floods"),
    "wrong secrets": Attack(_nothing, secret="f" * 32, log="why=password_wrong"),
    "names of others": Attack(_nothing, secret="f" * 32, forged=lambda name: "d0001", log="why=password_wrong"),
    "names of nobody": Attack(_nothing, forged=lambda name: NEVER_MADE, log="why=device_unknown"),
    "logins": Attack(_nothing, hangs_up=True, log="why=connects_too_often"),
}


class Stream:
    """One connection of an attacker, and the next one after it."""

    def __init__(self, port, attack, name):
        self.port, self.attack = port, attack
        self.name = attack.forged(name) if attack.forged else name
        self.chunk = attack.say(self.name)
        self.opened = 0
        self.socket = None
        self.open()

    def open(self):
        if self.socket:
            self.socket.close()
        self.socket = socket.socket()
        self.socket.setblocking(False)
        self.socket.connect_ex(("127.0.0.1", self.port))
        self.left = memoryview(hello(self.name, self.attack.secret))
        self.opened += 1

    def wants_to_write(self):
        return bool(self.left) or bool(self.chunk)

    def write(self):
        if not self.left:
            self.left = memoryview(self.chunk)
        try:
            self.left = self.left[self.socket.send(self.left):]
        except BlockingIOError:
            pass
        except OSError:
            self.open()

    def read(self):
        try:
            data = self.socket.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data or self.attack.hangs_up:
            self.open()


def run(attack, port, names, events):
    """Connects and begins at the word `go`."""
    events.ready.set()
    events.go.wait()
    streams = [Stream(port, attack, name) for name in names]
    while not events.stop.is_set():
        for _ in range(50):
            readers = [each.socket for each in streams] if attack.reads else []
            readable, writable, _ = select.select(readers, [each.socket for each in streams if each.wants_to_write()], [], 0.01)
            for each in streams:
                if each.socket in writable:
                    each.write()
                elif each.socket in readable:
                    each.read()
        events.busy.set()


def _be_elsewhere(*what):
    """The attackers' machines are elsewhere: here they take what the others leave."""
    os.setpriority(os.PRIO_PROCESS, 0, 5)
    run(*what)


class Events:
    def __init__(self):
        self.ready, self.go, self.busy, self.stop = (multiprocessing.Event() for _ in range(4))


class Attackers:
    """A process that attacks from go() to the end of the block."""

    def __init__(self, attack, port, names):
        self.events = Events()
        self.process = multiprocessing.Process(target=_be_elsewhere, args=(attack, port, names, self.events), daemon=True)

    def __enter__(self):
        self.process.start()
        assert self.events.ready.wait(30), "the attackers did not start"
        return self

    def go(self):
        self.events.go.set()

    def wait_busy(self):
        assert self.events.busy.wait(30), "the attackers did not get to work"

    def __exit__(self, *_):
        self.events.stop.set()
        self.process.join(10)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()
