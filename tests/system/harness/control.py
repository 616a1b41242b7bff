"""An operator at $CONTROL/ota/v1. Every request sent the proper way and every answer is checked against the schemas."""

import itertools
import json

from . import schemas
from .sentences import heard
from .wait import DEADLINE, Late, until

REQUEST_TOPIC = "$CONTROL/ota/v1"
RESPONSE_TOPIC = "$CONTROL/ota/v1/response"
FINAL = ("succeeded", "failed", "canceled")


class CommandError(Exception):
    """An answer with "error"."""

    def __init__(self, command, error):
        super().__init__(f"{command}: {error['code']}: {error['message']} ({error.get('path', '')})")
        self.code = error["code"]
        self.message = error["message"]
        self.path = error.get("path", "")
        heard("a command's refusal", self.message)


class Operator:
    """Answers come directly to this connection; nothing is subscribed."""

    def __init__(self, broker, token, client_id):
        self.broker = broker
        self.token = token
        self.client = broker.client(client_id)
        self._numbers = itertools.count(1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def connect(self):
        self.client.connect()
        return self

    def close(self):
        self.client.disconnect()

    def ask(self, command, **members):
        """The data of one command; CommandError for an error."""
        answer = self.ask_all([{"command": command, **members}])[0]
        if "error" in answer:
            raise CommandError(command, answer["error"])
        return answer["data"]

    def ask_all(self, commands):
        """Several commands in one request; the answers in order."""
        for command in commands:
            command.setdefault("token", self.token)
            command["correlationData"] = str(next(self._numbers))
            schemas.check(f"command/{command['command']}#/$defs/request", command)
        responses = self.ask_raw(json.dumps({"commands": commands}))
        assert len(responses) == len(commands), f"{len(commands)} commands, {len(responses)} answers"
        for command, response in zip(commands, responses):
            assert response["command"] == command["command"]
            assert response["correlationData"] == command["correlationData"], "answers out of order"
            if "data" in response:
                schemas.check(f"command/{command['command']}#/$defs/data", response["data"])
        return responses

    def ask_raw(self, payload, timeout=DEADLINE):
        """Sends any bytes; returns the responses, whose envelope is checked."""
        self.client.publish(REQUEST_TOPIC, payload, qos=1)
        message = self.client.expect(RESPONSE_TOPIC, timeout)
        assert len(message.payload) <= 65536, f"an answer of {len(message.payload)} bytes"
        return schemas.check_bytes("control/response", message.payload)["responses"]

    def refused(self, command, **members):
        """Asks what must not work, past the schemas; returns the CommandError."""
        body = {"command": command, "token": self.token, "correlationData": "refused", **members}
        response = self.ask_raw(json.dumps({"commands": [body]}))[0]
        assert "error" in response, f"{command} was to be refused, but answered {response.get('data')}"
        return CommandError(command, response["error"])

    def pages(self, command, **members):
        """All items of a list command."""
        after = {}
        while True:
            page = self.ask(command, **members, **after)
            yield from page["items"]
            if "next" not in page:
                return
            after = {"after": page["next"]}

    def add_package(self, product, version, content=b"image", **members):
        """Places the file and adds the package."""
        return self.ask("addPackage", productKey=product, version=version, **self.broker.add_file(content), **members)

    def prepared(self, batch):
        """The batch once every target has its task or exclusion."""
        def look():
            now = self.ask("getBatch", batch=batch)
            return now if now["state"] != "planned" else None
        return until(look, f"batch {batch} to be prepared")

    def task_of(self, batch, device):
        """The task of a device in a batch; None if it has none."""
        for task in self.pages("listTasks", batch=batch):
            if task["deviceName"] == device:
                return task
        return None

    def wait_task(self, task, timeout=DEADLINE, **members):
        """The task once it has these members, such as state="pushed"; a final state that is not asked for fails at once."""
        def look():
            seen[:] = [self.ask("getTask", task=task)]
            if all(seen[0].get(key) == value for key, value in members.items()):
                return seen[0]
            if seen[0]["state"] in FINAL and members.get("state", seen[0]["state"]) != seen[0]["state"]:
                raise AssertionError(f"task {task} is {seen[0]['state']} ({seen[0].get('cause')}), awaited {members}: {seen[0]}")
            return None
        seen = [None]
        return self._until(look, f"task {task} with {members}", timeout, seen)

    def wait_batch(self, batch, timeout=DEADLINE, **members):
        def look():
            seen[:] = [self.ask("getBatch", batch=batch)]
            return seen[0] if all(seen[0].get(key) == value for key, value in members.items()) else None
        seen = [None]
        return self._until(look, f"batch {batch} with {members}", timeout, seen)

    def wait_version(self, product, device, version, module="default", timeout=DEADLINE):
        """Until the inventory says so: the inform has settled."""
        def look():
            seen[:] = [self.ask("getDevice", productKey=product, deviceName=device)]
            return seen[0] if self.version_in(seen[0], module) == version else None
        seen = [None]
        return self._until(look, f"{device} with {module}={version}", timeout, seen)

    @staticmethod
    def version_in(device, module="default"):
        return next((each["version"] for each in device["modules"] if each["module"] == module), None)

    def events(self, **filters):
        """Oldest first."""
        return list(reversed(list(self.pages("listEvents", **filters))))

    def wait_event(self, word, timeout=DEADLINE, **filters):
        def look():
            return next((each for each in self.events(**filters) if each["event"] == word), None)
        return until(look, f"the event {word} with {filters}", timeout)

    @staticmethod
    def _until(look, what, timeout, seen):
        try:
            return until(look, what, timeout)
        except Late as late:
            raise Late(f"{late}; it is {seen[0]}") from None
