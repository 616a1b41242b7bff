"""What it costs to publish the event log when nobody listens, and when somebody does."""

import json
import statistics
import time

from measure import cpu_seconds, table

PER_REQUEST = 60
TOPIC = "$CONTROL/ota/v1/events"


def one_run(broker, requests, listen):
    """CPU microseconds and seconds per command, each of which writes one event."""
    with broker.operator() as operator, broker.client("listener") as listener:
        if listen:
            listener.subscribe(TOPIC, qos=0)
        cpu, start = cpu_seconds(broker.process.pid), time.monotonic()
        for request in range(requests):
            commands = [{"command": "createProduct", "token": operator.token, "productKey": f"p{request}x{each}"}
                        for each in range(PER_REQUEST)]
            assert b'"error"' not in json.dumps(operator.ask_raw(json.dumps({"commands": commands}))).encode()
        seconds = time.monotonic() - start
        cpu = cpu_seconds(broker.process.pid) - cpu
        if listen:
            listener.fence()
            assert len(listener.messages(TOPIC)) == requests * PER_REQUEST
    count = requests * PER_REQUEST
    return cpu / count * 1e6, seconds / count * 1e6


def run(make_broker, requests, rounds):
    kinds = {"off": ("off", False), "on, nobody listens": ("on", False), "on, one listens": ("on", True)}
    figures = {name: [] for name in kinds}
    for _ in range(rounds):  # side by side, so that a slow moment of the machine meets all three
        for name, (events, listen) in kinds.items():
            broker = make_broker(plugin=True, options={"events": events})
            figures[name].append(one_run(broker, requests, listen))
            broker.stop()
    table(f"Events on {TOPIC}: {requests * PER_REQUEST} commands of one event each, {rounds} rounds, medians",
          ["ota_events", "CPU us/event", "elapsed us/event"],
          [[name, *(statistics.median(column) for column in zip(*rows))] for name, rows in figures.items()])
