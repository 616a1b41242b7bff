"""Debian's mosquitto_pub and mosquitto_sub, as a stranger would use them."""

import subprocess

from .wait import DEADLINE


def _identity(device):
    return ["-i", device.client_id, "-u", device.username, "-P", "secret"]


def publish(broker, device, topic, payload, qos=0, version="311"):
    """mosquitto_pub as a device; must end with 0."""
    subprocess.run(["mosquitto_pub", "-h", "127.0.0.1", "-p", str(broker.port), *_identity(device), "-q", str(qos), "-t", topic,
                    "-m", payload, "-V", version],
                   check=True, timeout=DEADLINE)


def request(broker, device, topic, answer_topic, payload):
    """mosquitto_rr as a device that speaks MQTT 5: publishes and returns the first message on the other topic."""
    told = subprocess.run(["mosquitto_rr", "-V", "5", "-h", "127.0.0.1", "-p", str(broker.port), *_identity(device), "-q", "1",
                           "-t", topic, "-e", answer_topic, "-m", payload, "-W", str(int(DEADLINE))],
                          check=True, timeout=2 * DEADLINE, stdout=subprocess.PIPE)
    return told.stdout


class Subscriber:
    """mosquitto_sub as a device, running once its subscription is confirmed."""

    def __init__(self, broker, device, topic, version="311", shown="%p"):
        self._process = subprocess.Popen(
            ["mosquitto_sub", "-h", "127.0.0.1", "-p", str(broker.port), *_identity(device), "-d", "-t", topic,
             "-F", f"got {shown}", "-V", version, "-W", "60"],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self._line(b"Subscribed (mid")

    def message(self):
        """The next payload, as bytes; or what is `shown` of it."""
        return self._line(b"got ")[len(b"got "):]

    def close(self):
        self._process.terminate()
        self._process.wait(DEADLINE)
        self._process.stdout.close()

    def _line(self, beginning):
        for line in self._process.stdout:
            if line.startswith(beginning):
                return line.rstrip(b"\n")
        raise AssertionError(f"mosquitto_sub ended before a line that begins with {beginning!r}")
