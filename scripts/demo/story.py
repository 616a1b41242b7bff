"""What the demo shows, chapter by chapter."""

from servers import wait_for

REFUSED = 4
BATCH_FAILED = 5


class NotAll(Exception):
    """The proof at the end found devices that do not run what they should."""


class Story:
    def __init__(self, stage):
        self._stage = stage
        self._console = stage.console
        self._product = stage.fleet.product
        self._releases = stage.releases

    def tell(self):
        self._servers()
        self._devices()
        self._bad_package()
        self._good_package()
        self._everybody()
        self._look_back()
        self._prove()

    def _servers(self):
        stage, say = self._stage, self._console.say
        self._console.chapter("The servers")
        stage.servers.start_broker(stage.daemons)
        say(f"{stage.servers.version} on 127.0.0.1:{stage.servers.broker_port}, with mosquitto_ota.so: examples/mosquitto.conf, "
            f"only ports and paths changed, and ota_settle {stage.settle} in place of 2s so that you wait less.")
        stage.servers.start_gateway(stage.daemons)
        say(f"ota-gateway on {stage.servers.url}: examples/gateway.conf. otactl finds it by two variables, "
            "OTA_URL and OTA_TOKEN_FILE; the plugin wrote the first operator's token at its first start.")
        self._console.type("server", "status")

    def _devices(self):
        stage, fleet, old = self._stage, self._stage.fleet, self._releases.old
        self._console.chapter(f"A product and {len(fleet.devices)} devices")
        self._console.type("product", "add", self._product, "--name", "Edge box, arm64")
        names = stage.scratch.home / "names.txt"
        names.write_text("".join(f"{name}\n" for name in fleet.names))
        secrets = stage.scratch.home / "secrets.csv"
        self._console.type("device", "add", self._product, "--names-file", names, "--secrets", "--out", secrets)
        self._console.say("The server made a secret for each device, told it this once and keeps it sealed. As a factory would, "
                          "the demo gives each device its own; by it the device proves who it is.")
        fleet.give_secrets(secrets)
        fleet.start(stage.sources, stage.servers.broker_port, old, stage.daemons)
        self._console.say(f"{len(fleet.devices)} ota-agent processes: examples/agent.conf, each with two slots of its own. "
                          f"In the first is U-Boot {old.version} as Debian ships it ({self._releases.source}).")
        wait_for(self._all_report_old, "every device to report its version", stage.daemons, 30)
        self._console.type("product", "versions", self._product)

    def _all_report_old(self):
        return self._count_running(self._releases.old) == len(self._stage.fleet.devices)

    def _count_running(self, firmware):
        answers = self._console.ask("product", "versions", self._product)
        return sum(row["count"] for answer in answers for row in answer["versions"] if row["version"] == firmware.version)

    def _add_package(self, firmware, *words):
        self._console.type("package", "add", firmware.path, "--product", self._product, "--version", firmware.version, *words)

    def _create_batch(self, firmware, *words, code=0):
        self._console.type("batch", "create", "--product", self._product, "--version", firmware.version, *words, code=code)
        return self._console.ask("batch", "list", "--limit", 1)[0]["id"]

    def _bad_package(self):
        bad = self._releases.bad
        self._console.chapter("An update whose build went wrong")
        self._console.say(f"{bad.path.name} has lost its version string. Nobody has noticed yet, so it is tried on two devices "
                          "first.")
        self._add_package(bad)
        batch = self._create_batch(bad, "--kind", "verify", *self._named(2))
        self._console.type("batch", "watch", batch, code=BATCH_FAILED)
        self._console.say("Each of the two filled its spare slot, let examples/hooks/check-uboot look at it, and kept running "
                          "what it ran. Its own words reach the operator:")
        task = self._console.ask("batch", "tasks", batch)[0]["id"]
        self._console.type("task", "show", task)
        self._console.say("To everybody? A package that no device has proved is refused:")
        self._create_batch(bad, "--kind", "static", "--all", code=REFUSED)

    def _named(self, count):
        return [word for name in self._stage.fleet.names[:count] for word in ("--device", name)]

    def _good_package(self):
        good = self._releases.good
        self._console.chapter("The update as it should be, on three devices")
        self._add_package(good, "-o", "name")
        batch = self._create_batch(good, "--kind", "verify", *self._named(3), "-o", "name")
        self._console.type("batch", "watch", batch)

    def _everybody(self):
        good = self._releases.good
        self._console.chapter("To everybody")
        self._console.type("package", "list", "--product", self._product)
        batch = self._create_batch(good, "--kind", "static", "--all", "--name", "autumn", "-o", "name")
        self._console.type("batch", "watch", batch)
        self._console.say("The three of the verify batch ran it already; a batch leaves out who is at its target.")

    def _look_back(self):
        last = self._stage.fleet.names[-1]
        self._console.chapter("What happened")
        self._console.type("device", "list", "--product", self._product)
        self._console.say("One device's event log, newest first:")
        self._console.type("device", "log", self._product, last)

    def _prove(self):
        fleet, good = self._stage.fleet, self._releases.good
        self._console.chapter("The proof")
        self._console.say("Reports are words. Each device's active slot is read and hashed, and compared with the package:")
        if self._stage.corrupt:
            self._console.say(f"(DEMO_CORRUPT=1: one bit of {fleet.corrupt_one().name}'s active image was just flipped.)")
        faults = fleet.faults(good)
        for name, fault in faults.items():
            self._console.say(f"{name}: {fault}")
        reported, count = self._count_running(good), len(fleet.devices)
        if faults or reported != count:
            raise NotAll(f"{count - len(faults)} of {count} active slots hold {good.version}, {reported} devices report it")
        print(f"sha256 {good.sha256}: {count} slots of {count}, and {reported} devices report it")
        print(f"demo: {count} of {count} devices run {good.version}", flush=True)
