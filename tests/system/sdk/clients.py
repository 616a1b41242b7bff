"""The clients themselves. `dialect` names one; `power_up` and `reconnect` are all that a device of it does by itself."""

import hashlib
import json

from harness.device import Device
from harness.mqtt import Client
from harness.scenario import PRODUCT

from . import connect, fetch, read

HAL_VERSION = "app-1.0.0-20180101.1000"  # what C 3.x tells by itself, before the application says a word

NODE_TOPICS = [
    "thing/event/property/post_reply", "thing/service/property/set", "thing/event/+/post_reply", "thing/deviceinfo/update_reply",
    "thing/deviceinfo/delete_reply", "thing/config/get_reply", "thing/config/push", "thing/config/push_reply",
    "thing/topo/add_reply", "thing/topo/delete_reply", "thing/topo/get_reply", "thing/sub/register_reply", "rrpc/request/+",
]


class SdkDevice(Device):
    """One device of a dialect. `road` leads to the gateway; `context` makes its MQTT connection one over TLS, to that port."""

    dialect = None
    credentials = None
    clean, keepalive = True, 60
    parse = None

    def __init__(self, broker, name, secret, road=None, port=None, context=None):
        super().__init__(broker, PRODUCT, name)
        self.secret, self.road, self.port, self.context = secret, road, port or broker.port, context
        self.granted = []

    def connect(self, **more):
        mode = connect.TLS if self.context else connect.TCP
        client_id, password = type(self).credentials(self.name, self.secret, mode)
        self.client = Client(self.port, client_id, self.username, password, clean=self.clean, keepalive=self.keepalive,
                             restless=self.broker.restless, tls=self.context, **more).connect()
        return self

    def power_up(self, version):
        raise NotImplementedError

    def reconnect(self):
        """The line was cut. No C SDK subscribes or informs again."""
        self.drop()
        return self.connect()

    def take(self, push):
        """The offer as this client reads it."""
        return type(self).parse(push.payload)

    def update(self, offer):
        """Fetches, verifies, reports. Returns the bytes of each file."""
        raise NotImplementedError

    def tell(self, topic, body, qos):
        self.client.publish(self.topic(topic), body if isinstance(body, str) else json.dumps(body, separators=(",", ":")), qos)

    def follow(self, *filters, qos):
        """One packet each, as all of them do. A refusal is no matter."""
        for each in filters:
            self.granted += self.client.subscribe(each, qos=qos)


def verified(file, content):
    return hashlib.new(file.method, content).hexdigest() == file.digest


class Document004(SdkDevice):
    """The document's application on aliyun-iot-mqtt 0.0.1: the number 1 is every id, a step is a number, 100 is never told."""

    dialect = "aliyun-iot-mqtt 0.0.1"
    credentials = staticmethod(connect.document_004)
    parse = staticmethod(read.application)

    def power_up(self, version):
        self.connect()
        self.follow(self.topic("upgrade"), qos=0)
        self.tell("inform", {"id": 1, "params": {"version": version}}, 0)
        return self

    def reconnect(self):
        """mqtt.js subscribes again by itself."""
        super().reconnect()
        self.follow(self.topic("upgrade"), qos=0)
        return self

    def update(self, offer):
        contents = []
        for file in offer.files:
            self.tell("progress", {"id": 1, "params": {"step": 23, "desc": "xxxxxxxx"}}, 0)
            contents.append(b"".join(fetch.whole(self.road, file)))
            assert verified(file, contents[-1])
        return contents


class Node(Document004):
    """alibabacloud-iot-device-sdk 1.2.8: clean=false under an id that is new for each run, and sixteen subscriptions."""

    dialect = "alibabacloud-iot-device-sdk 1.2.8"
    credentials = staticmethod(connect.node)
    clean = False

    def connect(self, **more):
        super().connect(**more)
        self.follow(*[f"/sys/{PRODUCT}/{self.name}/{tail}" for tail in NODE_TOPICS], f"/shadow/get/{PRODUCT}/{self.name}",
                    f"/ext/session/{PRODUCT}/{self.name}/combine/login_reply",
                    f"/ext/session/{PRODUCT}/{self.name}/combine/logout_reply", qos=1)
        return self


class C3(SdkDevice):
    """Link SDK C 3.0.1: tells a version of its own before it subscribes; md5 alone; no Range, no port in a URL."""

    dialect = "C 3.0.1"
    credentials = staticmethod(connect.c3)
    parse = staticmethod(read.c3)
    clean, keepalive = False, 120

    def power_up(self, version):
        self.connect()
        self.tell("inform", {"id": "2", "params": {"version": HAL_VERSION}}, 1)
        self.follow(self.topic("request"), self.topic("upgrade"), self.sys_topic("config/get_reply"),
                    self.sys_topic("config/push"), qos=1)
        self.client.publish(self.sys_topic("deviceinfo/update"), '{"id":"3","version":"1.0","params":[],"method":"x"}', 1)
        self.tell("inform", {"id": 0, "params": {"version": version}}, 1)
        return self

    def update(self, offer):
        self.report(0, "Enter in downloading state")
        content = b"".join(fetch.whole(self.road, offer.files[0]))
        self.report(50, "")
        if not verified(offer.files[0], content):
            self.report(-3, "")
        return [content]

    def report(self, step, desc):
        self.tell("progress", {"id": 0, "params": {"step": str(step), "desc": desc}}, 0)


class C4(SdkDevice):
    """Link SDK C 4.2.0: never subscribes; reads by scanning; always a Range, and goes on after a cut at a whole buffer."""

    dialect = "C 4.2.0"
    credentials = staticmethod(connect.c4)
    parse = staticmethod(read.c4)
    keepalive = 1200
    cut = 1  # buffers until the line breaks

    def power_up(self, version):
        self.connect()
        self.tell("inform", '{"id":1, "params":{"version":"%s"}}' % version, 0)
        return self

    def update(self, offer):
        for _ in offer.files:
            self.report(0)
        contents = [self.fetch(file, alone=len(offer.files) == 1) for file in offer.files]
        if all(map(verified, offer.files, contents)):
            self.report(100)
        else:
            self.report(-3)
        return contents

    def fetch(self, file, alone):
        content, told = b"", 0
        for piece in fetch.by_range(self.road, file, self.cut):
            content += piece
            percent = len(content) * 100 // file.size
            if alone and told + 5 <= percent < 100:
                told = percent
                self.report(percent)
        return content

    def report(self, step):
        self.tell("progress", '{"id":2, "params":{"step":"%d","desc":""}}' % step, 0)


CLIENTS = [Document004, Node, C3, C4]
