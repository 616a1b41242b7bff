"""What the plugin costs traffic that is none of its business: the same flood through a broker with and without it, runs
interleaved.
"""

import multiprocessing
import socket
import time

from harness import packets

from measure import cpu_seconds, spread, table

MESSAGE = packets.publish("site/7/line/3/temperature", b"x" * 100)
CHUNK = MESSAGE * 500


def _drain(port, expected, ready):
    """Reads that many bytes of publishes and forgets them."""
    with socket.create_connection(("127.0.0.1", port)) as sink:
        sink.sendall(packets.connect("sink") + packets.subscribe(1, ["site/#"], 0))
        left = expected + len(packets.frame(packets.SUBACK, 0, b"\0\1\0")) + 4
        left -= len(sink.recv(65536))
        ready.set()
        while left > 0:
            left -= len(sink.recv(1 << 20))


def _flood(port, messages):
    """Sends QoS 0 publishes as fast as the broker reads; returns after the answer to a last ping."""
    with socket.create_connection(("127.0.0.1", port)) as source:
        source.sendall(packets.connect("source"))
        source.recv(4)
        for _ in range(messages // 500):
            source.sendall(CHUNK)
        source.sendall(packets.pingreq())
        source.recv(2)


def once(broker, messages, subscriber):
    """(broker's CPU microseconds per message, thousand messages per second)."""
    sink = None
    if subscriber:
        ready = multiprocessing.Event()
        sink = multiprocessing.Process(target=_drain, args=(broker.port, messages * len(MESSAGE), ready))
        sink.start()
        ready.wait(10)
    cpu, start = cpu_seconds(broker.process.pid), time.monotonic()
    _flood(broker.port, messages)
    if sink:
        sink.join(60)
    seconds = time.monotonic() - start
    return (cpu_seconds(broker.process.pid) - cpu) / messages * 1e6, messages / seconds / 1000


def run(make_broker, messages, rounds):
    without, with_plugin = make_broker(plugin=False), make_broker(plugin=True)
    rows = []
    for subscriber in (False, True):
        results = {"without": [], "with": []}
        for _ in range(rounds):
            results["without"].append(once(without, messages, subscriber))
            results["with"].append(once(with_plugin, messages, subscriber))
        name = "one subscriber" if subscriber else "no subscriber"
        rows += _rows(name, results)
    table(f"Foreign traffic: {messages} messages of 100 bytes, QoS 0, {rounds} interleaved rounds",
          ["", "CPU us/msg min", "median", "k msg/s max", "median"], rows)


def _rows(name, results):
    lines, figures = [], {}
    for which, runs in results.items():
        cpu_min, cpu_median = spread([cpu for cpu, _ in runs])
        rate_max, rate_median = max(rate for _, rate in runs), spread([rate for _, rate in runs])[1]
        figures[which] = [cpu_min, cpu_median, rate_max, rate_median]
        lines.append([f"{name}, {which} plugin", *figures[which]])
    ratio = [with_plugin / without if without else 0.0 for with_plugin, without in zip(figures["with"], figures["without"])]
    lines.append([f"{name}, with / without", *ratio])
    return lines
