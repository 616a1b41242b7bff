"""Who has no business here: connections that say what must change nothing."""

import random

from harness import packets
from harness.scenario import PRODUCT


def _inform(pk, dn, version="6.6.6"):
    return f"/ota/device/inform/{pk}/{dn}", f'{{"id":1,"params":{{"version":"{version}"}}}}'


def _progress(dn, step):
    return f"/ota/device/progress/{PRODUCT}/{dn}", f'{{"id":1,"params":{{"step":"{step}"}}}}'


# (user name, what it publishes). d0000 and d0001 are true devices, which nobody else may speak for.
VISITS = (
    (f"nobody&{PRODUCT}", (_inform(PRODUCT, "nobody"), _progress("nobody", 100))),
    ("d0000&NoSuchProduct", (_inform("NoSuchProduct", "d0000"),)),
    (f"nobody2&{PRODUCT}", (_inform(PRODUCT, "d0000"), _progress("d0001", -4))),
    ("passer-by", (_inform(PRODUCT, "d0000"), (f"/ota/device/upgrade/{PRODUCT}/d0001", '{"code":"1000","data":{}}'))),
    (f"nobody3&{PRODUCT}", ((f"/ota/device/inform/{PRODUCT}/nobody3", "{" * 5000),
                            (f"/ota/device/inform/{PRODUCT}/nobody3", "\0" * 100))),
    ("passer-by-2", (("$CONTROL/ota/v1", '{"commands":[{"command":"cancelBatch","batch":1}]}'), ("$CONTROL/ota/v1", "nonsense"),
                     ("$CONTROL/ota/v1/response", '{"responses":[]}'))),
    ("passer-by-3", ((f"/sys/{PRODUCT}/d0000/thing/ota/firmware/get_reply", '{"id":"1","code":200,"data":{}}'),
                     ("other/topic", "x" * 1000))),
)


class Stranger:
    def __init__(self, crowd, number, seed):
        self.crowd = crowd
        self.username, self.words = VISITS[number]
        self.hello = packets.connect(f"stranger-{seed:x}{'|' if '&' in self.username else ''}", self.username, "secret")
        self._chance = random.Random(seed)

    def on_connack(self, link, code):
        if code:
            return
        for mid, (topic, payload) in enumerate(self.words * 3, 1):
            link.send(packets.publish(topic, payload, self._chance.randrange(2), mid, retain=self._chance.random() < 0.2))
        self.crowd.later(1.0, self.crowd.swarm.drop, link)

    def on_packet(self, link, packet):
        if packet.kind == packets.PUBLISH and b'"error"' not in packets.read_publish(packet).payload:
            self.crowd.complain(f"the stranger {self.username} was sent {packets.read_publish(packet)}")

    def on_closed(self, link):
        pass
