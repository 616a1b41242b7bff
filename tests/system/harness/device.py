"""A device as document 004 describes it: it informs, is pushed, tells its progress. Pushes are checked against their schema."""

import itertools
import json
from typing import NamedTuple

from . import schemas
from .wait import DEADLINE

_serial = itertools.count(1)


class Push(NamedTuple):
    payload: bytes
    value: dict

    @property
    def data(self):
        return self.value["data"]


class Device:
    """Connects with a fresh client id each time, as the Link SDKs do."""

    def __init__(self, broker, product, name):
        self.broker = broker
        self.product = product
        self.name = name
        self.client = None

    def __enter__(self):
        return self if self.client else self.connect()

    def __exit__(self, *_):
        self.close()

    def topic(self, verb):
        return f"/ota/device/{verb}/{self.product}/{self.name}"

    def sys_topic(self, tail):
        return f"/sys/{self.product}/{self.name}/thing/{tail}"

    @property
    def username(self):
        return f"{self.name}&{self.product}"

    @property
    def client_id(self):
        return f"{self.product}.{self.name}|securemode=3,signmethod=hmacsha256,_conn=tcp_{next(_serial):x}|"

    def connect(self, **more):
        self.client = self.broker.client(self.client_id, self.username, "secret", **more).connect()
        return self

    def subscribe(self):
        granted = self.client.subscribe(self.topic("upgrade"))
        assert granted[0] in (0, 1), f"the subscription was refused: {granted}"
        return self

    def inform(self, version, module=None, qos=1, **extra):
        params = {"version": version, **({"module": module} if module else {}), **extra}
        self.client.publish(self.topic("inform"), json.dumps({"id": 1, "params": params}), qos)
        return self

    def progress(self, step, desc="", qos=1, **extra):
        params = {"step": step, "desc": desc, **extra}
        self.client.publish(self.topic("progress"), json.dumps({"id": 1, "params": params}), qos)
        return self

    def expect_push(self, timeout=DEADLINE):
        message = self.client.expect(self.topic("upgrade"), timeout)
        assert not message.retain
        return Push(message.payload, schemas.check_bytes("device/push", message.payload))

    def no_push(self, seconds):
        self.client.quiet(seconds, self.topic("upgrade"))

    def pull(self, qos=1, **params):
        """thing/ota/firmware/get; returns the reply's value."""
        self.client.publish(self.sys_topic("ota/firmware/get"), json.dumps({"id": "123", "params": params}), qos)
        message = self.client.expect(self.sys_topic("ota/firmware/get_reply"))
        return schemas.check_bytes("device/firmware-get-reply", message.payload)

    def close(self):
        if self.client:
            self.client.disconnect()
            self.client = None

    def drop(self):
        if self.client:
            self.client.drop()
            self.client = None
