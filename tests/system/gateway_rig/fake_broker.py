"""A stand-in for broker and plugin: takes commands on $CONTROL/ota/v1 and answers as it is told to."""

import json
import socket
import threading

from harness import packets

REQUEST, ANSWER = "$CONTROL/ota/v1", "$CONTROL/ota/v1/response"
TOKEN = "ota_" + "A" * 43


class Refusal(Exception):
    """Answer with an error: Refusal("conflict", "a sentence", path="version")."""

    def __init__(self, code, message, path=None):
        super().__init__(message)
        self.error = {"code": code, "message": message, **({"path": path} if path else {})}


class Silence(Exception):
    """Do not answer."""


class Raw(Exception):
    """Send these bytes as they are."""

    def __init__(self, *payloads):
        super().__init__("raw")
        self.payloads = payloads


class FakePlugin:
    """answers[command] is the data, or a function of the command that returns it or raises Refusal, Silence or Raw. Every command
    is kept.
    """

    def __init__(self):
        self.answers = {"getServer": {"version": "0"}, "addPackage": self._add_package}
        self.commands = []

    def _add_package(self, command):
        if command.get("dryRun"):
            return {}
        keys = ("productKey", "version", "size", "sha256", "md5")
        return {"id": 1, "module": command.get("module", "default"), **{key: command[key] for key in keys}}

    def respond(self, command):
        """The payloads to send, in order."""
        self.commands.append(command)
        try:
            return [self.answer(command, data=self._data(command))]
        except Refusal as refusal:
            return [self.answer(command, error=refusal.error)]
        except Silence:
            return []
        except Raw as raw:
            return list(raw.payloads)

    def _data(self, command):
        if command.get("token") != TOKEN:
            raise Refusal("denied", "no operator has this token", "token")
        data = self.answers[command["command"]]
        return data(command) if callable(data) else data

    @staticmethod
    def answer(command, **members):
        response = {"command": command["command"], "correlationData": command["correlationData"], **members}
        return json.dumps({"responses": [response]}).encode()

    def asked(self, name):
        return [command for command in self.commands if command["command"] == name]


class FakeBroker:
    """Listens on a port of its own, which it keeps over stop() and start()."""

    def __init__(self, plugin=None):
        self.plugin = plugin or FakePlugin()
        self.port = None
        self._listener = None
        self._clients = set()
        self._threads = []

    @property
    def url(self):
        return f"mqtt://127.0.0.1:{self.port}"

    def start(self):
        self._listener = socket.create_server(("127.0.0.1", self.port or 0))
        self.port = self._listener.getsockname()[1]
        self._run(self._accept, self._listener)
        return self

    def renew(self):
        """As if it had just been started: listening, with a plugin that knows only its first answers."""
        self.plugin = FakePlugin()
        return self if self._listener else self.start()

    def stop(self):
        """Gone, with all its connections. shutdown() first: close() alone does not wake a thread that sits in accept() or recv().
        """
        for each in [self._listener, *self._clients]:
            if each:
                self._cut(each)
        for thread in self._threads:
            thread.join()
        self._listener, self._threads = None, []

    def send(self, payload, topic=ANSWER):
        """To every connection, asked or not."""
        for client in list(self._clients):
            client.sendall(packets.publish(topic, payload))

    @property
    def connections(self):
        return len(self._clients)

    def _run(self, target, *arguments):
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    @staticmethod
    def _cut(each):
        try:
            each.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        each.close()

    def _accept(self, listener):
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            self._run(self._serve, client)

    def _serve(self, client):
        reader = packets.Reader()
        try:
            while data := client.recv(65536):
                for packet in reader.feed(data):
                    self._take(client, packet)
        except OSError:
            pass
        finally:
            self._clients.discard(client)
            client.close()

    def _take(self, client, packet):
        if packet.kind == packets.CONNECT:
            self._clients.add(client)
            client.sendall(packets.frame(packets.CONNACK, 0, b"\0\0"))
        elif packet.kind == packets.PINGREQ:
            client.sendall(packets.frame(packets.PINGRESP, 0, b""))
        elif packet.kind == packets.PUBLISH:
            self._take_publish(client, packets.read_publish(packet))

    def _take_publish(self, client, message):
        if message.qos:
            client.sendall(packets.puback(message.mid))
        assert message.topic == REQUEST
        for command in json.loads(message.payload)["commands"]:
            for payload in self.plugin.respond(command):
                client.sendall(packets.publish(ANSWER, payload))
