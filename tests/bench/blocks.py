"""What a foreign client feels while devices download over MQTT, block by block: the round trip of its own messages, one in
flight. Beside it the same traffic with an ordinary client as the server of blocks, through a broker without the plugin.
"""

import json
import multiprocessing
import os
import time

from harness import packets
from harness.mqtt import Client
from harness.scenario import PRODUCT
from harness.swarm import Swarm

from measure import cpu_seconds, quantile, table
from stall import probe

BLOCK, IMAGE_SIZE, SECONDS = 10240, 4 * 1024 * 1024, 5.0


class Downloader:
    """Asks for a block, and for the next one when it is there; at the end again from the start."""

    def __init__(self, hello, request_topic):
        self.hello, self.request_topic = hello, request_topic
        self.place = self.blocks = self.bytes = 0
        self.stream = None

    def on_connack(self, link, code):
        assert code == 0, f"refused: {code}"

    def on_packet(self, link, packet):
        if packet.kind != packets.PUBLISH:
            return
        message = packets.read_publish(packet)
        if self.stream is None:
            self.stream = json.loads(message.payload)["data"]["streamId"]
        else:
            self.blocks += 1
            self.bytes += len(message.payload)
            self.place = (self.place + BLOCK) % (IMAGE_SIZE - BLOCK)
        self.ask(link)

    def ask(self, link):
        body = ('{"id":"%d","version":"1.0","params":{"fileToken":"default","fileInfo":{"streamId":%d,"fileId":1,},'
                '"fileBlock":{"size":%d,"offset":%d}}}' % (self.blocks, self.stream, BLOCK, self.place))
        link.send(packets.publish(self.request_topic, body))

    def on_closed(self, link):
        raise AssertionError(f"{self.request_topic}: closed by the broker")


def _devices(names):
    return [Downloader(packets.connect(f"{PRODUCT}.{name}|securemode=3|", f"{name}&{PRODUCT}", "secret"),
                       f"/sys/{PRODUCT}/{name}/thing/file/download") for name in names]


def _strangers(names):
    members = [Downloader(packets.connect(name), f"ask/{name}") for name in names]
    for member in members:
        member.stream = 1
    return members


def _download(port, names, ours, started, stop, results):
    """In a process of its own: the devices must not wait for the probe."""
    members = _devices(names) if ours else _strangers(names)
    with Swarm(port) as swarm:
        links = swarm.connect_all(members)
        for name, member, link in zip(names, members, links):
            if ours:
                link.send(packets.publish(f"/ota/device/inform/{PRODUCT}/{name}", '{"id":1,"params":{"version":"1.0.0"}}', 1, 1))
            else:
                link.send(packets.subscribe(1, [f"block/{name}"], 0))
                member.ask(link)
        swarm.run_until(lambda: all(member.blocks for member in members), "the first block of each", 60)
        begin, blocks, size = time.monotonic(), sum(each.blocks for each in members), sum(each.bytes for each in members)
        started.set()
        swarm.run_until(stop.is_set, "the end", 60)
        seconds = time.monotonic() - begin
        blocks, size = sum(each.blocks for each in members) - blocks, sum(each.bytes for each in members) - size
        results.put((blocks / seconds, size / seconds))


def _serve(port, ready, stop):
    """An ordinary client that answers each request with as many bytes."""
    block = os.urandom(BLOCK + 130)
    with Client(port, "server") as server:
        server.subscribe("ask/#", qos=0)
        ready.set()
        while not stop.is_set():
            try:
                asked = server.expect(timeout=0.2)
            except AssertionError:
                continue
            server.publish(asked.topic.replace("ask/", "block/"), block)


def _measure(broker, names, ours, begin):
    """(idle trips, busy trips, blocks and bytes a second, CPU share of the broker)."""
    started, stop, results = multiprocessing.Event(), multiprocessing.Event(), multiprocessing.Queue()
    with Client(broker.port, "probe") as client:
        client.subscribe("probe", qos=0)
        idle = probe(client, lambda: True, 2.0)
        child = multiprocessing.Process(target=_download, args=(broker.port, names, ours, started, stop, results))
        child.start()
        begin()
        assert started.wait(60), "no download began"
        pid, start = broker.process.pid, time.monotonic()
        cpu, loop = cpu_seconds(pid), cpu_seconds(pid, pid)
        busy = probe(client, lambda: True, SECONDS)
        seconds = time.monotonic() - start
        cpu, loop = (cpu_seconds(pid) - cpu) / seconds, (cpu_seconds(pid, pid) - loop) / seconds
        stop.set()
        rates = results.get(timeout=30)
        child.join(30)
    return idle, busy, (*rates, cpu, loop)


def _with_plugin(broker, names):
    with broker.operator() as operator:
        operator.ask("createProduct", productKey=PRODUCT, delivery="mqtt")
        for start in range(0, len(names), 1000):
            operator.ask("registerDevices", productKey=PRODUCT, names=names[start:start + 1000])
        package = operator.add_package(PRODUCT, "2.0.0", os.urandom(IMAGE_SIZE))
        return _measure(broker, names, True,
                        lambda: operator.ask("createBatch", package=package["id"], kind="verify", targets={"all": True}))


def _without_plugin(broker, names):
    ready, stop = multiprocessing.Event(), multiprocessing.Event()
    server = multiprocessing.Process(target=_serve, args=(broker.port, ready, stop))
    server.start()
    ready.wait(10)
    try:
        return _measure(broker, names, False, lambda: None)
    finally:
        stop.set()
        server.join(10)


def run(make_broker, devices):
    names = [f"d{number:05}" for number in range(devices)]
    ours = _with_plugin(make_broker(plugin=True), names)
    theirs = _without_plugin(make_broker(plugin=False), names)
    rows = [(who + name, trips) for who, (idle, busy, _) in (("plugin, ", ours), ("ordinary client, ", theirs))
            for name, trips in (("idle", idle), ("downloading", busy))]
    table(f"Round trip of a foreign client while {devices} devices download over MQTT, {BLOCK} bytes a block",
          ["ms", "median", "p99", "max", "samples"],
          [[name, quantile(trips, 0.5), quantile(trips, 0.99), max(trips), len(trips)] for name, trips in rows])
    table("The downloads, the probe's own traffic included in the times of the broker",
          ["", "blocks/s", "MB/s", "broker's cores", "of these the loop"],
          [[name, blocks, size / 1e6, cpu, loop]
           for name, (_, _, (blocks, size, cpu, loop)) in (("plugin", ours), ("ordinary client", theirs))])
