"""Generated HTTP requests to a real gateway, a real broker and the real plugin, on connections that are kept."""

import hashlib
import json
import threading
import time
from random import Random
from urllib.parse import quote

from gateway_rig.process import Gateway, signed
from gateway_rig.web import Line
from harness import schemas
from harness.broker import Broker

from surface.mutate import STRANGE, UNKNOWN_TOKEN, Maker, World, text_of
from surface.outcome import shape_problem
from surface.query import spelt, target_of

from control import QUARANTINE, Failure
from harness.desk import frames_of

CALLERS = 16
DEADLINE = 20  # seconds for one request, sanitizers and a busy machine included
GROWTH_MAX = 64 * 1024 * 1024 + QUARANTINE  # of each process after the first tenth
ONE_AT_A_TIME = threading.Lock()  # a resolver of references remembers where it stands
METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "get", "BREW"]
NO_HTTP = [b"\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"GET\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
           b"GET / HTTP/9.9\r\n\r\n", b"\x00" * 64, b"A" * 100_000, b"GET / HTTP/1.1\r\nHost\r\n\r\n", b"\xff\xfe\r\n\r\n",
           b"POST /api/v1/getServer HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
           b"POST /api/v1/getServer HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999\r\n\r\n",
           b"POST /api/v1/getServer HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"]


class Request:
    """As bytes, and what may come of it."""

    def __init__(self, method, target, body=None, headers=(), reads=None):
        self.is_http = all(33 <= ord(letter) < 127 for letter in target)
        self.has_body = method != "HEAD"
        self.reads = reads  # the command whose data a good answer holds
        lines = [f"{method} {target} HTTP/1.1", "Host: x", *(f"{name}: {value}" for name, value in headers)]
        if body is not None:
            lines.append(f"Content-Length: {len(body)}")
        self.data = "\r\n".join(lines).encode("utf-8", "replace") + b"\r\n\r\n" + (body or b"")


class WebMaker(Maker):
    """Requests of one caller."""

    def headers(self):
        token = self.one_of(["", "x", UNKNOWN_TOKEN]) if self.chance(0.03) else self.token
        found = [("Authorization", f"Bearer {token}")] if self.chance(0.98) else []
        if self.chance(0.05):
            found.append(("Idempotency-Key", self.one_of(["r1", "r2", "x" * 64, "x" * 65, "", "é", "a b"])))
        if self.chance(0.03):
            found.append(self.one_of([("X-Long", "y" * 17000), ("Range", "bytes=0-"), ("Expect", "100-continue"), ("Cookie", "a"),
                                      ("Content-Type", "text/plain"), ("If-Range", '"x"'), ("Authorization", "Bearer twice")]))
        return found

    def post(self):
        command, body = self.body()
        name = command["name"] if self.chance(0.98) else command["name"] + "s"
        return Request("POST", f"/api/v1/{name}", body, self.headers(), command["name"])

    def get(self):
        command = self.one_of([each for each in self.commands if each.get("get")])
        members = {name: quote(spelt(value), safe=":@") for name, value in self.members(command, None)
                   if isinstance(value, (str, int, float)) and (value != "" or "{%s}" % name not in command["get"])}
        for row in command["parameters"]:
            if "{%s}" % row["name"] in command["get"]:
                members.setdefault(row["name"], quote(spelt(self.good(row)), safe=":@"))
        target = target_of(command["name"], members)
        if self.chance(0.05):
            target += self.one_of(["?", "&", "&x=1", "%", "%00", "/", "//", "/..", "#", "?limit=1&limit=2", "\x01", "é"])
        return Request("HEAD" if self.chance(0.05) else "GET", target, None, self.headers(), command["name"])

    def put(self):
        data = self.random.randbytes(self.random.randrange(0, 2000))
        members = {"productKey": self.one_of(self.world.products), "version": f"u{self.random.randrange(1 << 30)}"}
        if self.chance(0.3):
            good = self.chance(0.5)
            members["sha256"] = hashlib.sha256(data if good else b"other").hexdigest()
        if self.chance(0.1):
            members[self.one_of(["size", "md5", "dryRun", "notes", "limit", "extData"])] = quote(self.one_of(STRANGE))
        query = "&".join(f"{name}={text}" for name, text in members.items())
        return Request("PUT", f"/api/v1/packages?{query}", data, self.headers(), "addPackage")

    def download(self):
        target = signed(self.one_of(self.world.artifacts)[1], key="22" * 32)
        if self.chance(0.5):
            target = "/dl/" + "".join(self.random.choices("0123456789abcdefG/", k=self.one_of([3, 64, 65]))) + "?e=1&d=2&k=3&s=4"
        return Request("GET", target, None, self.headers())

    def odd(self):
        target = self.one_of(["/", "*", "//", "/api/v1/", "/healthz", "/api/v1/getServer", "/x" * 4000, "/%2e%2e/etc/passwd",
                              "/api/v1/batches/" + quote(self.one_of(STRANGE)), "http://x/healthz"])
        return Request(self.one_of(METHODS), target, self.one_of([None, b"", b"{}"]), self.headers())

    def next(self):
        """A request, or bytes that are none."""
        dice = self.random.random()
        for share, make in ((0.50, self.post), (0.85, self.get), (0.89, self.put), (0.92, self.download), (0.97, self.odd)):
            if dice < share:
                return make()
        return self.noisy(self.post().data) if self.chance(0.5) else self.one_of(NO_HTTP)


def answer_problem(answer, reads, has_body=True):
    """What is wrong with an answer to a request that was one."""
    if answer.status >= 500:
        return f"{answer.status}: {answer.body[:500]!r}"
    if not has_body:
        return f"a body of a HEAD: {answer.body[:100]!r}" if answer.body else None
    if not answer.body or answer.headers.get("Content-Type") != "application/json":
        return None if answer.status < 300 else f"{answer.status} without JSON: {answer.body[:300]!r}"
    value = json.loads(answer.body)
    if answer.status >= 300:
        return shape_problem(value)
    if reads and not value.get("gateway"):
        with ONE_AT_A_TIME:
            return "; ".join(schemas.errors(f"command/{reads}#/$defs/data", value)[:3]) or None
    return None


class Caller(threading.Thread):
    """Sends its share, one request after the other, on one connection as long as it is kept."""

    def __init__(self, run, seed, count):
        super().__init__(daemon=True)
        self.run_of, self.count = run, count
        self.maker = WebMaker(Random(seed), run.world, run.token)
        self.line, self.failure, self.done = None, None, 0
        self.statuses, self.slowest = {}, 0.0

    def run(self):
        try:
            while self.done < self.count and not self.run_of.failed.is_set():
                self.one(self.maker.next())
                self.done += 1
        except Exception as failure:  # noqa: BLE001 - told by who joins
            self.failure = failure
            self.run_of.failed.set()

    def one(self, request):
        begun = time.monotonic()
        raw = request if isinstance(request, bytes) else request.data
        self.run_of.keep(raw)
        try:
            self.raw(raw) if isinstance(request, bytes) or not request.is_http else self.asked(request)
        except TimeoutError:
            raise Failure(f"no answer within {DEADLINE} s", raw) from None
        except (ValueError, KeyError) as failure:
            raise Failure(f"an answer nobody can read: {failure!r}", raw) from None
        self.slowest = max(self.slowest, time.monotonic() - begun)

    def asked(self, request):
        for attempt in (1, 2):
            kept = self.line is not None
            self.line = self.line or self.run_of.connect()
            try:
                self.line.send(request.data)
            except ConnectionError:
                pass  # a refusal of the header may stand there already
            try:
                answer = self.line.answer(request.has_body)
                while answer.status == 100:
                    answer = self.line.answer(request.has_body)
                break
            except ConnectionError as failure:
                self.drop()
                if attempt == 2 or not kept:
                    raise Failure(f"no answer: {failure}", request.data) from None
        self.statuses[answer.status] = self.statuses.get(answer.status, 0) + 1
        if problem := answer_problem(answer, request.reads, request.has_body):
            raise Failure(problem, request.data)
        if answer.headers.get("Connection", "").lower() == "close":
            self.drop()

    def raw(self, data):
        """Not HTTP, or not quite: a refusal of the one shape, an answer, or the end; on a connection of its own."""
        with self.run_of.connect() as line:
            try:
                line.send(data)
                line.end()
                answer = line.answer()
            except TimeoutError:
                raise
            except OSError:
                return  # closed, or closed before we were done
        if answer.status >= 400 and (problem := answer_problem(answer, None)):
            raise Failure(problem, data)

    def drop(self):
        self.line.close()
        self.line = None


class Ended(Line):
    """A line whose sender can say that nothing more comes."""

    def __init__(self, host, port):
        super().__init__(host, port)
        self.socket.settimeout(DEADLINE)

    def end(self):
        self.socket.shutdown(1)


class Run:
    """Gateway and broker, and what all callers share."""

    def __init__(self, home, seed, record):
        self.seed, self.failed = seed, threading.Event()
        self.record, self.lock = open(record, "wb"), threading.Lock()
        self.broker = Broker(home / "broker")
        self.gateway = Gateway(home / "gateway", f"mqtt://127.0.0.1:{self.broker.port}", package_dir=self.broker.package_dir,
                               log_level="error")
        self.gateway.start()
        self.broker.config.set_option("ota_gateway_url", self.gateway.url)
        self.broker.config.set_option("ota_url_key_file", self.gateway.key_file)
        self.broker.start()
        self.gateway.wait_broker()
        self.token = self.broker.admin_token()
        self.world = World([(file["size"], file["sha256"], file["md5"]) for file in [self.broker.add_file(b"image")]])
        self.callers = []

    def connect(self):
        return Ended("127.0.0.1", self.gateway.port)

    def keep(self, data):
        with self.lock:
            self.record.write(len(data).to_bytes(4, "little") + data)

    def begin(self):
        with self.broker.operator() as operator:
            for product in self.world.products[:3]:
                operator.ask("createProduct", productKey=product)
                operator.ask("registerDevices", productKey=product, names=self.world.devices)
                operator.add_package(product, "2.0.0", b"image")

    def turn(self, ended):
        """An idle broker looks at its plugins ten times a second; pings turn its loop."""
        with self.broker.client("turner") as client:
            while not ended.wait(0.002):
                client.fence()

    def resident(self):
        pages = [int(open(f"/proc/{pid}/statm").read().split()[1])
                 for pid in (self.gateway.process.pid, self.broker.process.pid)]
        return [4096 * each for each in pages]

    def go(self, count):
        self.begin()
        base = None
        self.callers = [Caller(self, self.seed * CALLERS + number, count // CALLERS + 1) for number in range(CALLERS)]
        for caller in self.callers:
            caller.start()
        while any(caller.is_alive() for caller in self.callers):
            time.sleep(0.05)
            if base is None and sum(caller.done for caller in self.callers) > count // 10:
                base = self.resident()
        for caller in self.callers:
            if caller.failure:
                raise caller.failure if isinstance(caller.failure, Failure) else Failure(repr(caller.failure))
        grown = [now - then for now, then in zip(self.resident(), base)]
        if max(grown) > GROWTH_MAX:
            raise Failure(f"resident sets grew by {grown} bytes")
        return grown

    def close(self):
        """Both must end well; a sanitizer writes its findings then."""
        for caller in self.callers:
            if caller.line:
                caller.line.close()
        self.record.close()
        self.gateway.stop()
        self.broker.close()


def figures(run, grown):
    statuses = {}
    for caller in run.callers:
        for status, number in caller.statuses.items():
            statuses[status] = statuses.get(status, 0) + number
    return {"requests": sum(caller.done for caller in run.callers),
            "statuses": ",".join(f"{status}:{number}" for status, number in sorted(statuses.items())),
            "slowest_ms": round(1000 * max(caller.slowest for caller in run.callers)),
            "gateway_grown_kib": grown[0] >> 10, "broker_grown_kib": grown[1] >> 10}


def fuzz(home, seed, count, record):
    """Figures; Failure with every request in `record`."""
    run = Run(home, seed, record)
    ended = threading.Event()
    turner = threading.Thread(target=run.turn, args=(ended,), daemon=True)
    turner.start()
    try:
        found = figures(run, run.go(count))
    except Failure as failure:
        logs = run.gateway.log()[-1500:]
        raise Failure(f"{failure}\n  gateway: {run.gateway.process.poll()} {logs}") from None
    finally:
        ended.set()
        turner.join()
        try:
            run.close()
        except AssertionError as ending:
            raise Failure(f"the end: {ending}") from None
    return found


def replay(home, record):
    """Sends a record's requests again, one after the other."""

    run = Run(home, 0, home / "again")
    run.begin()
    try:
        caller = Caller(run, 0, 0)
        for frame in frames_of(record):
            caller.one(with_token(frame, run.token.encode()))
    finally:
        run.close()


def with_token(data, token):
    """The token in a record is of another run."""
    head, mark, rest = data.partition(b"Authorization: Bearer ota_")
    return head + mark + token[4:] + rest[43:] if mark and len(rest) > 43 else data
