"""The harness itself, against a stock Mosquitto without the plugin: what it reports must be what happened."""

import signal

import pytest

from harness import packets
from harness.broker import BrokerDied
from harness.config import Config
from harness.mqtt import Refused
from harness.swarm import Swarm
from harness.wait import Late, until

pytestmark = pytest.mark.needs_no_plugin


@pytest.fixture
def stock(new_broker):
    return new_broker(plugin=False).start()


def test_qos1_publish_is_acknowledged_and_delivered(stock):
    with stock.client("reader") as reader, stock.client("writer") as writer:
        assert reader.subscribe("a/b") == [1]
        writer.publish("a/b", b"\x00\xff", qos=1)
        message = reader.expect("a/b")
        assert (message.payload, message.qos, message.retain) == (b"\x00\xff", 1, False)
        assert not writer.acked


def test_client_that_never_acknowledges_gets_the_message_again(stock):
    silent = stock.client("silent", clean=False).connect()
    silent.acknowledge = False
    silent.subscribe("a")
    with stock.client("writer") as writer:
        writer.publish("a", "once", qos=1)
    assert not silent.expect("a").dup
    silent.drop()
    again = stock.client("silent", clean=False).connect()
    assert again.session_present
    assert again.expect("a").dup
    again.disconnect()


def test_fence_sees_all_that_was_sent_before(stock):
    with stock.client("reader") as reader, stock.client("writer") as writer:
        reader.subscribe("n/#")
        for number in range(15):
            writer.publish(f"n/{number}", "x", qos=1)
        reader.fence()
        assert [each.topic for each in reader.messages()] == [f"n/{number}" for number in range(15)]


def test_wait_ends_at_its_deadline(stock):
    with stock.client("reader") as reader:
        reader.subscribe("a")
        with pytest.raises(Late, match="a message on a"):
            reader.expect("a", timeout=0.05)
    with pytest.raises(Late, match="never"):
        until(lambda: None, "never", timeout=0.05)


def test_refused_connection_tells_its_code(new_broker):
    closed = new_broker(plugin=False)
    closed.config.set("allow_anonymous", "false")
    closed.start()
    with pytest.raises(Refused) as refused:
        closed.client("x").connect()
    assert refused.value.code == 5


def test_replaced_connection_is_seen_to_close(stock):
    first = stock.client("same").connect()
    with stock.client("same"):
        first.wait_closed()


def test_will_is_sent_when_the_line_is_cut(stock):
    with stock.client("reader") as reader:
        reader.subscribe("w")
        stock.client("dying", will=("w", "gone", 1, False)).connect().drop()
        assert reader.expect("w").payload == b"gone"


def test_killed_broker_restarts_on_the_same_port(stock):
    port = stock.port
    stock.restart(kill=True)
    assert stock.port == port
    stock.client("x").connect().disconnect()


def test_broker_that_died_is_a_failure_with_its_log(new_broker):
    broker = new_broker(plugin=False).start()
    broker.process.send_signal(signal.SIGKILL)  # a sanitizer would make a report of any other one
    broker.process.wait()
    with pytest.raises(BrokerDied, match="ended with -9"):
        broker.stop()


def test_refused_start_gives_the_log(new_broker):
    broker = new_broker(plugin=False)
    broker.config.add("no_such_option", "1")
    assert "no_such_option" in broker.start_refused()


def test_two_brokers_side_by_side(new_broker):
    one, two = new_broker("one", plugin=False).start(), new_broker("two", plugin=False).start()
    assert one.port != two.port
    assert one.journal_dir != two.journal_dir
    with one.client("reader") as reader, two.client("writer") as writer:
        reader.subscribe("#")
        writer.publish("a", "elsewhere", qos=1)
        reader.fence()
        assert not reader.messages()


def test_options_follow_the_plugin_line():
    config = Config("listener 1\n# plugin comment\nplugin a.so\nplugin_opt_x 1\nplugin b.so\nplugin_opt_y 2\n")
    config.set_option("x", "3").set_option("z", "4").set("listener", "5")
    assert config.text().split("\n")[:4] == ["listener 5", "plugin a.so", "plugin_opt_z 4", "plugin_opt_x 3"]
    assert config.option("x") == "3"


class Counter:
    """A member that subscribes to its own topic and publishes there once."""

    def __init__(self, number, seen):
        self.hello = packets.connect(f"member-{number}")
        self.topic = f"member/{number}"
        self.seen = seen

    def on_connack(self, link, code):
        assert code == 0
        link.send(packets.subscribe(1, [self.topic], 1))

    def on_packet(self, link, packet):
        if packet.kind == packets.SUBACK:
            link.send(packets.publish(self.topic, "x" * 5000, qos=1, mid=2))
        if packet.kind == packets.PUBLISH:
            self.seen.append(packets.read_publish(packet).topic)

    def on_closed(self, link):
        raise AssertionError("closed by the broker")


def test_swarm_carries_a_thousand_connections(stock):
    seen = []
    with Swarm(stock.port) as swarm:
        swarm.connect_all([Counter(number, seen) for number in range(1000)])
        swarm.run_until(lambda: len(seen) == 1000, "a thousand own messages", 60)
    assert len(set(seen)) == 1000


def test_reader_cuts_any_stream_into_packets():
    stream = packets.publish("a", b"x" * 200, qos=1, mid=7) + packets.pingreq() + packets.puback(9)
    whole = list(packets.Reader().feed(stream))
    bytewise = packets.Reader()
    assert [packet for byte in stream for packet in bytewise.feed(bytes([byte]))] == whole
    assert packets.read_publish(whole[0]).mid == 7
    assert [packet.kind for packet in whole] == [packets.PUBLISH, packets.PINGREQ, packets.PUBACK]


