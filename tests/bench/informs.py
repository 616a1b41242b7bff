"""How fast reports are acknowledged and how fast they are committed."""

import json
import time

from harness import packets
from harness.scenario import PRODUCT
from harness.swarm import Swarm
from harness.wait import until

from measure import cpu_seconds, table

WINDOW = 20  # reports in flight per device


class Sender:
    """A device that informs its 16 modules in turn, each time with a new version, so that each report is a row to write."""

    def __init__(self, name, count):
        self.hello = packets.connect(f"{PRODUCT}.{name}|securemode=3|", f"{name}&{PRODUCT}", "secret")
        self.topic = f"/ota/device/inform/{PRODUCT}/{name}"
        self.count = count
        self.sent = 0
        self.acknowledged = 0

    def on_connack(self, link, code):
        assert code == 0, f"refused: {code}"

    def on_packet(self, link, packet):
        if packet.kind == packets.PUBACK:
            self.acknowledged += 1
            self.fill(link)

    def on_closed(self, link):
        raise AssertionError(f"{self.topic}: closed by the broker")

    def fill(self, link):
        data = b""
        while self.sent < self.count and self.sent - self.acknowledged < WINDOW:
            self.sent += 1
            body = json.dumps({"id": str(self.sent), "params": {"version": f"1.{self.sent}", "module": f"m{self.sent % 16:02}"}})
            data += packets.publish(self.topic, body, 1, self.sent)
        if data:
            link.send(data)


def run(make_broker, devices, informs):
    broker = make_broker(plugin=True)
    names = [f"d{number:05}" for number in range(devices)]
    with broker.operator() as operator:
        operator.ask("createProduct", productKey=PRODUCT)
        for start in range(0, devices, 1000):
            operator.ask("registerDevices", productKey=PRODUCT, names=names[start:start + 1000])
        senders = [Sender(name, informs) for name in names]
        with Swarm(broker.port) as swarm:
            links = swarm.connect_all(senders)
            cpu, start = cpu_seconds(broker.process.pid), time.monotonic()
            for sender, link in zip(senders, links):
                sender.fill(link)
            swarm.run_until(lambda: all(sender.acknowledged == informs for sender in senders), "all acknowledgements", 600)
            acknowledged = time.monotonic() - start
            until(lambda: operator.ask("getServer")["queueDepth"] == 0, "the queue to empty", 600)
            committed = time.monotonic() - start
        cpu = cpu_seconds(broker.process.pid) - cpu
    total = devices * informs
    table(f"Informs: {devices} devices, {informs} reports each, QoS 1, the client in the same machine",
          ["", "reports", "seconds", "per second", "CPU us/report"],
          [["acknowledged", total, acknowledged, total / acknowledged, None],
           ["committed", total, committed, total / committed, cpu / total * 1e6]])
