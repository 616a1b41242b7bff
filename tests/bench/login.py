"""Whether the time of a refused login tells who is known: a guess at a name must cost what a wrong secret costs."""

import random
import socket
import statistics
import time

from harness import packets
from harness.scenario import PRODUCT
from sdk.connect import password

from measure import quantile, table

NAMES = 50  # of each kind; one at a time would be told by its own pace
SECRET = "0123456789abcdef0123456789abcdef"
BLOCK = 50  # logins between two looks at the plugin's own stopwatch
CLAIM = 0.05  # of the medians


def hello(name, method="hmacsha256"):
    """A login with a signature that is well-formed and wrong."""
    cid = f"{PRODUCT}.{name}"
    signed = password("sha256", "f" * 32, name, cid, "2524608000000")
    return packets.connect(f"{cid}|timestamp=2524608000000,signmethod={method}|", f"{name}&{PRODUCT}", signed)


def names_of(kind):
    return [f"{kind}-{number:04}" for number in range(NAMES)]


KINDS = {
    "known, wrong secret": [hello(name) for name in names_of("known")],
    "known, no secret held": [hello(name) for name in names_of("naked")],
    "unknown device": [hello(name) for name in names_of("alien")],
    "unknown product": [hello(name).replace(PRODUCT.encode(), PRODUCT[::-1].encode()) for name in names_of("alien")],
    "known, method not allowed": [hello(name, "hmacmd5") for name in names_of("known")],
    "unknown, method not allowed": [hello(name, "hmacmd5") for name in names_of("alien")],
    "known, no such method": [hello(name, "hmacrot13") for name in names_of("known")],
    "unknown, no such method": [hello(name, "hmacrot13") for name in names_of("alien")],
}
# What an attacker may choose costs what it costs; what he may not learn is who is known.
PAIRS = [("known, wrong secret", "known, no secret held"), ("known, wrong secret", "unknown device"),
         ("known, wrong secret", "unknown product"), ("known, method not allowed", "unknown, method not allowed"),
         ("known, no such method", "unknown, no such method"), ("known, wrong secret", "known, method not allowed")]


def refused_in(port, greeting):
    """Microseconds from CONNECT to CONNACK."""
    with socket.create_connection(("127.0.0.1", port)) as link:
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        start = time.perf_counter_ns()
        link.sendall(greeting)
        answer = link.recv(4)
        taken = time.perf_counter_ns() - start
    assert answer[:1] == b"\x20" and answer[3] in (4, 5), f"not refused: {answer!r}"
    return taken / 1000


def chance_of_longer(one, other):
    """How often a login of the one kind takes longer than one of the other; 0.5 tells nothing (Mann and Whitney)."""
    ranked = sorted([(value, 0) for value in one] + [(value, 1) for value in other])
    ranks = sum(rank for rank, (_, kind) in enumerate(ranked, 1) if kind == 0)
    return (ranks - len(one) * (len(one) + 1) / 2) / (len(one) * len(other))


def prepare(operator):
    operator.ask("createProduct", productKey=PRODUCT)
    secrets = [{"deviceName": name, "secret": SECRET} for name in names_of("known")]
    operator.ask("importDevices", productKey=PRODUCT, devices=secrets)
    operator.ask("registerDevices", productKey=PRODUCT, names=names_of("naked"))


def outside_of(port, count, chosen):
    """{kind: microseconds}. One of each kind in turn, so that the machine's moods are shared by all."""
    taken = {kind: [] for kind in KINDS}
    for _ in range(count):
        for kind in chosen.sample(list(KINDS), len(KINDS)):
            taken[kind].append(refused_in(port, chosen.choice(KINDS[kind])))
    return taken


def inside_of(port, operator, rounds, chosen):
    """{kind: average microseconds in the plugin's callback, a block each}."""
    taken = {kind: [] for kind in KINDS}
    for _ in range(rounds):
        for kind in chosen.sample(list(KINDS), len(KINDS)):
            before = operator.ask("getServer")["metrics"]["callbacks"]["auth"]
            for _ in range(BLOCK):
                refused_in(port, chosen.choice(KINDS[kind]))
            after = operator.ask("getServer")["metrics"]["callbacks"]["auth"]
            taken[kind].append((after["totalUs"] - before["totalUs"]) / (after["count"] - before["count"]))
    return taken


def run(make_broker, rounds, seed=1):
    broker = make_broker(plugin=True, options={"device_auth": "triple"})
    with broker.operator() as operator:
        prepare(operator)
        chosen = random.Random(seed)
        outside_of(broker.port, BLOCK, chosen)  # the pages of the store are in memory then, as in a fleet
        outside = outside_of(broker.port, rounds * BLOCK, chosen)
        inside = inside_of(broker.port, operator, rounds, chosen)
    table(f"Refused logins: {rounds * BLOCK} of each kind, in random order, us from CONNECT to CONNACK",
          ["", "median", "p90", "p99", "in the plugin"],
          [[kind, statistics.median(taken), quantile(taken, 0.9), quantile(taken, 0.99), statistics.median(inside[kind])]
           for kind, taken in outside.items()])
    table("Told apart? (0.5: no better than a coin)", ["", "medians", "p90", "longer", "in the plugin"],
          [[f"{other} / {one}", statistics.median(outside[other]) / statistics.median(outside[one]),
            quantile(outside[other], 0.9) / quantile(outside[one], 0.9), chance_of_longer(outside[other], outside[one]),
            statistics.median(inside[other]) / statistics.median(inside[one])] for one, other in PAIRS])
    worst = max(abs(statistics.median(outside[other]) / statistics.median(outside[one]) - 1) for one, other in PAIRS)
    verdict = "held" if worst <= CLAIM else "BROKEN"
    print(f"  claim: no pair's medians differ by more than {CLAIM:.0%}: {verdict} ({worst:.1%})")
