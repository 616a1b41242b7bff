"""What a foreign client feels while a large batch is prepared: the round trip of its own messages, one in flight."""

import time

from harness.mqtt import Client
from harness.scenario import PRODUCT

from measure import quantile, table


def probe(client, until_true, least=1.0):
    """Round trips in milliseconds, for at least that many seconds and until the condition holds; the condition is asked every 100
    ms.
    """
    trips, asked, begin = [], 0.0, time.monotonic()
    while True:
        start = time.monotonic()
        client.publish("probe", "x")
        client.expect("probe")
        now = time.monotonic()
        trips.append((now - start) * 1000)
        if now - asked >= 0.1:
            asked = now
            if until_true() and now - begin >= least:
                return trips


def register(operator, devices):
    operator.ask("createProduct", productKey=PRODUCT)
    for start in range(0, devices, 1000):
        names = [f"d{number:06}" for number in range(start, min(start + 1000, devices))]
        operator.ask("registerDevices", productKey=PRODUCT, names=names)


def run(make_broker, devices):
    broker = make_broker(plugin=True)
    with broker.operator() as operator, Client(broker.port, "probe") as client:
        client.subscribe("probe", qos=0)
        register(operator, devices)
        package = operator.add_package(PRODUCT, "2.0.0")
        idle = probe(client, lambda: True)
        start = time.monotonic()
        batch = operator.ask("createBatch", package=package["id"], kind="verify", targets={"all": True})["id"]

        def prepared():
            return operator.ask("getBatch", batch=batch)["prepared"] >= devices

        busy = probe(client, prepared, 0.0)
        seconds = time.monotonic() - start
    table(f"Round trip of a foreign client while a batch of {devices} devices is prepared ({seconds:.2f} s)",
          ["ms", "median", "p99", "max", "samples"],
          [[name, quantile(trips, 0.5), quantile(trips, 0.99), max(trips), len(trips)]
           for name, trips in (("idle", idle), ("preparing", busy))])
