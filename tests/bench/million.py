"""A batch over a million registered devices by expression: what creating it costs beside the bare insert of the same rows, what
reports, decisions and a foreign client feel of it meanwhile, what it leaves of itself in memory and on the disk, how long the
pages about it take, and what a kill -9 in its middle changes. The last lines hold each limit beside its figure.

The fleet is written into the store directly, before the broker starts (bench-million fill); tests/bench/million.c says what the
bare insert is. Reports come from devices that are none of the batch's, so that no offer goes out meanwhile.
"""

import json
import shutil
import statistics
import time

from harness import packets
from harness.attacks import SECRET
from harness.control import REQUEST_TOPIC, RESPONSE_TOPIC
from harness.filled import count, fill, program
from harness.scenario import PRODUCT
from harness.swarm import Swarm

from felt import Device, Probe, Trips
from measure import quantile, rss_kib, table

TALKERS = 200     # devices that inform
PERIOD = 0.005    # between two reports
PULL_EACH = 11    # no divisor of the talkers, so each of them pulls: six times a minute at the most
VERSIONS = 40     # that the talkers go through; an expression means what versions there are
LOOK_EACH = 10    # turns between two looks at the broker's memory
CHUNK = 1000      # rows of a transaction of the bare insert, about what the broker's are
BARE_ROUNDS = 3
PAGES = 20        # of each page that is timed
QUIET = 3.0       # seconds
LATE = 600        # seconds for a million of anything
WHERE = "name = fleet-* and version < 3.0"
KINDS = ("acknowledged", "applied", "decided", "foreign")

LIMITS = [  # (what, limit, unit): the issue's own
    ("creation / bare insert", 3.0, ""),
    ("informs p99", 50.0, "ms"),
    ("gateway decisions p99", 50.0, "ms"),
    ("foreign stall, longest", 20.0, "ms"),
    ("broker memory, more", 64.0, "MiB"),
    ("plan", 100.0, "ms"),
    ("distribution", 100.0, "ms"),
    ("a page of tasks", 100.0, "ms"),
]


class Gateway:
    """Asks what a gateway asks for those it serves, one question at a time: "decided". Remembers the last batch it was told."""

    def __init__(self, token, trips, package):
        self.hello, self.link, self.trips = packets.connect("gateway"), None, trips
        self.token, self.package, self.batch = token, package, None
        self.number, self.told = 0, {}

    def ask(self):
        if self.trips.sent["decided"]:
            return
        self.number += 1
        link = {"command": "linkPackage", "package": self.package}
        question = link if self.batch is None or self.number % 2 else {"command": "getBatch", "batch": self.batch}
        body = {"commands": [{**question, "token": self.token, "correlationData": str(self.number)}]}
        self.trips.send("decided", self.number)
        self.link.send(packets.publish(REQUEST_TOPIC, json.dumps(body), 1, self.number % 65535 + 1))

    def on_connack(self, link, code):
        assert code == 0, f"the gateway was refused: {code}"
        self.link = link

    def on_packet(self, link, packet):
        if packet.kind != packets.PUBLISH:
            return
        answer = json.loads(packets.read_publish(packet).payload)["responses"][0]
        self.trips.arrive("decided", int(answer["correlationData"]))
        assert "data" in answer, answer
        if answer["command"] == "getBatch":
            self.told = answer["data"]

    def on_closed(self, link):
        raise AssertionError("the gateway was closed by the broker")


class Company:
    """Those who talk to the broker meanwhile."""

    def __init__(self, broker, token, package):
        self.broker, self.swarm, self.trips, self.number = broker, Swarm(broker.port), Trips(KINDS), 0
        self.devices = [Device(name, self.trips, VERSIONS) for name in talkers()]
        self.probe, self.gateway = Probe(self.trips), Gateway(token, self.trips, package)
        self.swarm.connect_all([*self.devices, self.probe, self.gateway])

    def turn(self):
        self.number += 1
        device = self.devices[self.number % len(self.devices)]
        device.report(self.number, self.number % PULL_EACH == 0)
        self.probe.say(self.number)
        self.gateway.ask()

    def talk(self, done):
        """Until it is done. What was felt meanwhile, and the most memory the broker had."""
        self.trips.begin()
        self.gateway.told = {}
        begin, turn, memory = time.monotonic(), 0, 0
        while not done():
            at = begin + turn * PERIOD
            turn += 1
            while (left := at - time.monotonic()) > 0:
                self.swarm.turn(left)
            self.turn()
            self.swarm.turn(0)
            if turn % LOOK_EACH == 0:
                memory = max(memory, rss_kib(self.broker.process.pid))
            assert time.monotonic() - begin < LATE, f"not done after {LATE} s: {self.gateway.told}"
        return Felt(self.trips.took, time.monotonic() - begin, memory / 1024)

    def quiet(self, seconds):
        end = time.monotonic() + seconds
        return self.talk(lambda: time.monotonic() > end)

    def close(self):
        self.swarm.close()


class Felt:
    def __init__(self, took, seconds, memory):
        self.took, self.seconds, self.memory = took, seconds, memory

    def p99(self, kind):
        return quantile(self.took[kind], 0.99) if self.took[kind] else None

    def longest(self, kind):
        return max(self.took[kind], default=None)


def talkers():
    return [f"talk-{number:03}" for number in range(TALKERS)]


def _found(broker, devices):
    """A fleet in the store of a broker, a package and a small batch; returns their ids."""
    with broker.operator() as operator:
        operator.ask("createProduct", productKey=PRODUCT)
        operator.ask("importDevices", productKey=PRODUCT, devices=[{"deviceName": name, "secret": SECRET} for name in talkers()])
        package = operator.add_package(PRODUCT, "2.0.0")["id"]
        batch = _ask(operator, "createBatch", package=package, kind="verify", targets={"names": ["talk-000"]})["id"]
        operator.prepared(batch)
        _ask(operator, "cancelBatch", batch=batch)
    broker.stop()
    begin = time.monotonic()
    fill(broker, PRODUCT, devices)
    print(f"  {devices:,} devices written in {time.monotonic() - begin:.1f} s")
    return package, batch


def _ask(operator, command, **members):
    """Without a look at the schemas, which takes longer than the answer."""
    body = {"command": command, "token": operator.token, "correlationData": "bench", **members}
    operator.client.publish(REQUEST_TOPIC, json.dumps({"commands": [body]}), qos=1, wait=False)
    answer = json.loads(operator.client.expect(RESPONSE_TOPIC, 60).payload)["responses"][0]
    assert "data" in answer, answer
    return answer["data"]


def _bare(broker, batch):
    """[(seconds, seconds of copying the log)], and the bytes of a row, of the bare insert into copies of the store."""
    seconds = []
    for number in range(BARE_ROUNDS):
        copy = broker.home / f"bare-{number}"
        copy.mkdir()
        shutil.copy(broker.store_dir / "ota.db", copy)
        took, copying, rows, grown = program(broker, "bare", copy, batch, CHUNK)
        seconds.append((float(took), float(copying)))
        shutil.rmtree(copy)
    return seconds, int(grown) / int(rows)


def _create(operator, package):
    return _ask(operator, "createBatch", package=package, kind="verify", targets={"where": WHERE},
                strategy={"abortSample": 0})["id"]


def _prepared(company):
    return lambda: company.gateway.told.get("state", "planned") != "planned"


def _created(company, operator, package):
    company.gateway.batch = _create(operator, package)
    return company.talk(_prepared(company))


def _canceled(company, operator):
    _ask(operator, "cancelBatch", batch=company.gateway.batch)
    told = lambda member: company.gateway.told.get(member)  # noqa: E731 - each look is a new answer
    return company.talk(lambda: told("state") == "canceled" and told("counts")["pending"] == 0)


def _pages(operator, package, batch, devices):
    """{page: [ms]}."""
    first = _ask(operator, "listTasks", batch=batch, limit=100)["items"][0]["id"]
    pages = {
        "plan": lambda: _ask(operator, "createBatch", package=package, kind="verify", targets={"where": WHERE}, dryRun=True),
        "distribution": lambda: _ask(operator, "versionDistribution", productKey=PRODUCT),
        "a page of tasks, first": lambda: _ask(operator, "listTasks", batch=batch, limit=100),
        "a page of tasks, middle": lambda: _ask(operator, "listTasks", batch=batch, limit=100, after=str(first + devices // 2)),
        "a page of tasks, last": lambda: _ask(operator, "listTasks", batch=batch, limit=100, after=str(first + devices - 1000)),
        "a page of tasks in a state": lambda: _ask(operator, "listTasks", batch=batch, limit=100, state="pending",
                                                   after=str(first + devices // 2)),
        "getBatch": lambda: _ask(operator, "getBatch", batch=batch),
        "getServer": lambda: _ask(operator, "getServer"),
    }
    took = {name: [] for name in pages}
    for _ in range(PAGES):
        for name, ask in pages.items():
            begin = time.monotonic()
            ask()
            took[name].append((time.monotonic() - begin) * 1000)
    return took


def _killed(broker, company, operator, package, devices):
    """kill -9 in the middle of a creation; (how far it was, how far after the restart, seconds until it went on to its end)."""
    batch = company.gateway.batch = _create(operator, package)
    company.talk(lambda: company.gateway.told.get("prepared", 0) > devices // 2)
    before = company.gateway.told["prepared"]
    broker.kill()
    company.close()
    operator.close()
    begin = time.monotonic()
    broker.start()
    with broker.operator() as again:
        after = _ask(again, "getBatch", batch=batch)["prepared"]
        while _ask(again, "getBatch", batch=batch)["state"] == "planned":
            assert time.monotonic() - begin < LATE
        told = _ask(again, "getBatch", batch=batch)
    assert after >= before, f"{before} were there before the kill, {after} after it"
    assert told["prepared"] == told["total"] == devices, told
    return batch, before, after, time.monotonic() - begin


def run(make_broker, devices):
    broker = make_broker(plugin=True, options={"device_auth": "triple"})
    package, small = _found(broker, devices)
    bare, row_bytes = _bare(broker, small)
    broker.start()
    company, operator = Company(broker, broker.admin_token(), package), broker.operator()
    felt = {"quiet": company.quiet(QUIET)}
    idle = rss_kib(broker.process.pid) / 1024
    felt["creating"] = _created(company, operator, package)
    felt["behind it"] = company.quiet(QUIET)
    pages = _pages(operator, package, company.gateway.batch, devices)
    felt["canceling"] = _canceled(company, operator)
    batch, before, after, resumed = _killed(broker, company, operator, package, devices)
    broker.stop()
    tasks, excluded = count(broker, batch, devices)
    _print(devices, felt, pages, bare, idle)
    print(f"\n  a task: {row_bytes:.0f} bytes with its five indexes"
          f"\n  kill -9 at {before:,} of {devices:,}: at {after:,} after the restart, done {resumed:.1f} s after it; "
          f"{tasks:,} tasks and {excluded:,} exclusions, none twice")
    _judge(felt, pages, statistics.median(took for took, _ in bare), idle)


def _print(devices, felt, pages, bare, idle):
    bare_seconds = statistics.median(took for took, _ in bare)
    table(f"{devices:,} devices by expression: {WHERE}; {TALKERS} devices report, a gateway asks, a foreign client pings",
          ["", "seconds", "us a device", *(f"{kind} p99" for kind in KINDS), "foreign longest", "memory, most"],
          [["bare insert, median", bare_seconds, bare_seconds / devices * 1e6, *[None] * 6],
           *([name, each.seconds, None if name in ("quiet", "behind it") else each.seconds / devices * 1e6,
              *(each.p99(kind) for kind in KINDS), each.longest("foreign"), each.memory] for name, each in felt.items())])
    print(f"  milliseconds and MiB; memory before: {idle:.0f} MiB; the bare inserts: "
          + ", ".join(f"{took:.1f} s and {copying:.1f} s for their log" for took, copying in bare))
    table(f"Pages about it, {PAGES} times each (ms)", ["", "median", "p99", "longest"],
          [[name, statistics.median(took), quantile(took, 0.99), max(took)] for name, took in pages.items()])


def _judge(felt, pages, bare, idle):
    busy = [felt["creating"], felt["canceling"]]
    figures = [felt["creating"].seconds / bare, max(each.p99(kind) for each in busy for kind in ("acknowledged", "applied")),
               max(each.p99("decided") for each in busy), max(each.longest("foreign") for each in busy),
               max(each.memory for each in felt.values()) - idle, max(pages["plan"]), max(pages["distribution"]),
               max(max(took) for name, took in pages.items() if name.startswith("a page"))]
    print()
    for (what, limit, unit), figure in zip(LIMITS, figures):
        print(f"  {'PASS' if figure <= limit else 'MISS'}  {what}: {figure:.2f} {unit} (limit {limit:g})".replace("  (", " ("))
