"""ota-agent over TLS: broker and downloads, with good and bad certificates."""

import ssl
import subprocess

import pytest

from agent_fixtures import content, plain_broker, make_agent, pytestmark, web  # noqa: F401
from harness.agent import Agent, Server

NEW = content(100_000)


def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


class Authority:
    """A CA of the test's own."""

    def __init__(self, home, name="ca"):
        self.home, self.name = home, name
        self.certificate = home / f"{name}.pem"
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
                f"/CN={name}", "-keyout", home / f"{name}.key", "-out", self.certificate)

    def issue(self, name, host):
        """Returns certificate and key for that host."""
        key, request, certificate = (self.home / f"{name}.{suffix}" for suffix in ("key", "csr", "pem"))
        (self.home / f"{name}.ext").write_text(f"subjectAltName={host}\n")
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}", "-keyout", key,
                "-out", request)
        openssl("x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self.home / f"{self.name}.key",
                "-CAcreateserial", "-days", "2", "-extfile", self.home / f"{name}.ext", "-out", certificate)
        return certificate, key


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path)


@pytest.fixture
def tls_broker(new_broker, authority):
    """A second listener, with TLS; returns a function that starts it with a certificate for that host."""
    def start(host):
        certificate, key = authority.issue("broker", host)
        broker = new_broker(plugin=False)
        broker.tls_port = broker.reserve_port()
        broker.config.set("listener", f"{broker.port} 127.0.0.1")
        text = broker.config.text
        more = f"\nlistener {broker.tls_port} 127.0.0.1\nallow_anonymous true\ncertfile {certificate}\nkeyfile {key}\n"
        broker.config.text = lambda: text() + more
        return broker.start()

    return start


@pytest.fixture
def tls_agent(tmp_path):
    made = []

    def make(broker, **keys):
        made.append(Agent(tmp_path / "agent", 0, **{"broker": f"mqtts://127.0.0.1:{broker.tls_port}", "url_schemes": None,
                                                    **keys}))
        return made[-1].provision()

    yield make
    for each in made:
        each.close()


def serve_https(web, certificate, key):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    web._server.socket = context.wrap_socket(web._server.socket, server_side=True)


def test_an_update_over_tls_with_the_shipped_rules(tls_broker, tls_agent, authority, web):
    broker = tls_broker("IP:127.0.0.1")
    serve_https(web, *authority.issue("web", "IP:127.0.0.1"))
    tls_agent(broker, ca_file=authority.certificate).start()
    server = Server(broker)
    server.expect_inform(version="1.0.0")
    broker.wait_log("as pk1.dev1|securemode=2,_v=ota-agent-0.1.0|")
    server.push("2.0.0", web.add("/new", NEW).replace("http:", "https:"), NEW)
    server.expect_inform(version="2.0.0")
    server.close()


def test_a_broker_with_another_name_is_not_ours(tls_broker, tls_agent, authority):
    agent = tls_agent(tls_broker("DNS:elsewhere.example.net"), ca_file=authority.certificate).start()
    agent.wait_log("not_connected")
    assert " connected " not in agent.log()


def test_a_broker_of_another_authority_is_not_ours(tls_broker, tls_agent, tmp_path):
    agent = tls_agent(tls_broker("IP:127.0.0.1"), ca_file=Authority(tmp_path, "other").certificate).start()
    agent.wait_log("certificate verify failed")
    assert " connected " not in agent.log()


@pytest.mark.parametrize("host", ["IP:127.0.0.2", "DNS:elsewhere.example.net"])
def test_a_download_from_another_name_is_refused(tls_broker, tls_agent, authority, web, host):
    broker = tls_broker("IP:127.0.0.1")
    serve_https(web, *authority.issue("web", host))
    tls_agent(broker, ca_file=authority.certificate).start()
    server = Server(broker)
    server.expect_inform(version="1.0.0")
    server.push("2.0.0", web.add("/new", NEW).replace("http:", "https:"), NEW)
    assert server.expect_progress(-2)["desc"].startswith("download: SSL")
    server.close()
