"""ota-agent over TLS: broker and downloads, with good and bad certificates."""

import base64
import hashlib
import os
import shutil
import ssl
import subprocess

import pytest

from agent_fixtures import content, plain_broker, make_agent, pytestmark, web  # noqa: F401
from harness.agent import Agent, Server
from harness.authority import Authority, openssl
from harness.proxy import Proxy

NEW = content(100_000)


def spki(certificate):
    """sha256// and what `pinned_key` wants behind it."""
    pem = subprocess.run(["openssl", "x509", "-in", certificate, "-noout", "-pubkey"], check=True, stdout=subprocess.PIPE).stdout
    der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "der"], input=pem, check=True, stdout=subprocess.PIPE).stdout
    return "sha256//" + base64.b64encode(hashlib.sha256(der).digest()).decode()


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path)


@pytest.fixture
def tls_broker(new_broker, authority):
    """A second listener, with TLS; returns a function that starts it with that certificate and key, or a good one."""
    def start(pair=None, more=""):
        certificate, key = pair or authority.issue("broker", "IP:127.0.0.1")
        broker = new_broker(plugin=False)
        broker.tls_port = broker.reserve_port()
        broker.config.set("listener", f"{broker.port} 127.0.0.1")
        text = broker.config.text
        tls = f"\nlistener {broker.tls_port} 127.0.0.1\nallow_anonymous true\ncertfile {certificate}\nkeyfile {key}\n{more}"
        broker.config.text = lambda: text() + tls
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


def serve_https(web, certificate, key, client_authority=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    if client_authority:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(client_authority)
    web._server.socket = context.wrap_socket(web._server.socket, server_side=True)


def test_an_update_over_tls_with_the_shipped_rules(tls_broker, tls_agent, authority, web):
    broker = tls_broker()
    serve_https(web, *authority.issue("web", "IP:127.0.0.1"))
    tls_agent(broker, ca_file=authority.certificate).start()
    server = Server(broker)
    server.expect_inform(version="1.0.0")
    broker.wait_log("as pk1.dev1|securemode=2,_v=ota-agent-0.1.0|")
    server.push("2.0.0", web.add("/new", NEW).replace("http:", "https:"), NEW)
    server.expect_inform(version="2.0.0")
    server.close()


# What is wrong with a certificate, and how agent and curl say it.
ZOO = {
    "expired": ("the broker's certificate has expired", "SSL certificate problem: certificate has expired"),
    "future": ("the broker's certificate is not valid yet; is this device's clock right?",
               "SSL certificate problem: certificate is not yet valid"),
    "other_host": ("the broker's certificate is of another host",
                   "SSL: no alternative certificate subject name matches target host name '127.0.0.1'"),
    "self_signed": ("the broker's certificate is self-signed", "SSL certificate problem: self-signed certificate"),
    "unknown": ("the broker's certificate is of an authority that is not trusted here",
                "SSL certificate problem: unable to get local issuer certificate"),
}


@pytest.fixture
def animal(tmp_path, authority):
    """Certificate and key of the zoo, by name."""
    def catch(name):
        if name == "other_host":
            return authority.issue(name, "DNS:elsewhere.example.net")
        if name == "unknown":
            return Authority(tmp_path, "stranger").issue(name, "IP:127.0.0.1")
        if name == "self_signed":
            return Authority(tmp_path, "self", "-addext", "subjectAltName=IP:127.0.0.1").pair
        return authority.issue(name, "IP:127.0.0.1", *{"expired": ("20200101000000Z", "20200102000000Z"),
                                                       "future": ("20500101000000Z", "20500102000000Z")}[name])
    return catch


@pytest.mark.parametrize("name", ZOO)
def test_a_broker_with_a_bad_certificate_is_refused_with_the_reason(tls_broker, tls_agent, authority, animal, name):
    agent = tls_agent(tls_broker(pair=animal(name)), ca_file=authority.certificate).start()
    agent.wait_log(f'text="TLS: {ZOO[name][0]}"')
    assert " connected " not in agent.log()


@pytest.mark.parametrize("name", ZOO)
def test_a_download_with_a_bad_certificate_is_refused_with_the_reason(tls_broker, tls_agent, authority, animal, web, name):
    broker = tls_broker()
    serve_https(web, *animal(name))
    tls_agent(broker, ca_file=authority.certificate).start()
    server = Server(broker)
    server.expect_inform(version="1.0.0")
    server.push("2.0.0", web.add("/new", NEW).replace("http:", "https:"), NEW)
    assert server.expect_progress(-2)["desc"] == f"download: {ZOO[name][1]}"[:128]
    assert web.requests == [], "and it is final"
    server.close()


def test_ca_file_stands_in_place_of_the_systems_store(tls_broker, tls_agent, authority, tmp_path):
    """A broker whose authority the system trusts, but ca_file does not name."""
    agent = tls_agent(tls_broker(), ca_file=None)
    agent.environment = {"SSL_CERT_FILE": str(authority.certificate)}
    agent.start()
    agent.wait_log(" connected ")
    agent.stop()
    agent.log_path.unlink()
    agent.keys["ca_file"] = Authority(tmp_path, "other").certificate
    agent.start()
    agent.wait_log(ZOO["unknown"][0])
    assert " connected " not in agent.log()


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("unshare"), reason="only root may change what the system trusts")
def test_ca_file_stands_in_place_of_the_systems_directory_for_downloads(tls_broker, tls_agent, authority, web, tmp_path):
    """A download server whose authority stands in /etc/ssl/certs, as the agent sees it, but not in ca_file."""
    other = Authority(tmp_path, "other")
    trusted = tmp_path / "certs"
    trusted.mkdir()
    name = subprocess.check_output(["openssl", "x509", "-in", other.certificate, "-noout", "-hash"], text=True).strip()
    shutil.copy(other.certificate, trusted / f"{name}.0")
    broker = tls_broker()
    serve_https(web, *other.issue("web", "IP:127.0.0.1"))
    agent = tls_agent(broker, ca_file=authority.certificate)
    command = agent.command()
    agent.command = lambda: ["unshare", "-m", "sh", "-c", f'mount --bind {trusted} /etc/ssl/certs && exec "$@"', "-", *command]
    agent.start()
    server = Server(broker)
    server.expect_inform(version="1.0.0")
    server.push("2.0.0", web.add("/new", NEW).replace("http:", "https:"), NEW)
    assert server.expect_progress(-2)["desc"] == f"download: {ZOO['unknown'][1]}"[:128]
    server.close()


def test_a_client_certificate_is_shown_to_broker_and_downloads(tls_broker, tls_agent, authority, web):
    broker = tls_broker(more=f"require_certificate true\ncafile {authority.certificate}\n")
    serve_https(web, *authority.issue("web", "IP:127.0.0.1"), client_authority=authority.certificate)
    certificate, key = authority.issue("device", "DNS:device")
    agent = tls_agent(broker, ca_file=authority.certificate).start()
    agent.wait_log("not_connected")
    agent.stop()
    agent.keys.update(cert_file=certificate, key_file=key)
    agent.start()
    server = Server(broker)
    server.expect_inform(version="1.0.0")
    server.push("2.0.0", web.add("/new", NEW).replace("http:", "https:"), NEW)
    server.expect_inform(version="2.0.0")
    server.close()


@pytest.mark.parametrize("is_right", [True, False])
def test_a_pinned_key_is_the_only_one(tls_broker, tls_agent, authority, web, is_right):
    broker = tls_broker()
    certificate, key = authority.issue("web", "IP:127.0.0.1")
    pinned = spki(certificate if is_right else authority.certificate)
    serve_https(web, certificate, key)
    tls_agent(broker, ca_file=authority.certificate, pinned_key=pinned).start()
    server = Server(broker)
    server.expect_inform(version="1.0.0")
    server.push("2.0.0", web.add("/new", NEW).replace("http:", "https:"), NEW)
    if is_right:
        server.expect_inform(version="2.0.0")
    else:
        assert server.expect_progress(-2)["desc"] == "download: SSL: public key does not match pinned public key"
    server.close()


def test_tls_goes_through_a_proxy(tls_broker, tls_agent, authority, web):
    """The proxy sees the names of hosts and nothing else."""
    proxy = Proxy()
    broker = tls_broker()
    serve_https(web, *authority.issue("web", "IP:127.0.0.1"))
    tls_agent(broker, ca_file=authority.certificate, proxy=proxy.url()).start()
    server = Server(broker)
    server.expect_inform(version="1.0.0")
    url = web.add("/new", NEW).replace("http:", "https:")
    server.push("2.0.0", url, NEW)
    server.expect_inform(version="2.0.0")
    assert set(proxy.asked) == {f"CONNECT 127.0.0.1:{broker.tls_port}", f"CONNECT {url.split('/')[2]}"}
    server.close()
    proxy.close()


def test_a_bad_certificate_behind_a_proxy_is_told_as_such(tls_broker, tls_agent, authority, animal, web):
    """The proxy's own 200 is no answer of the server."""
    proxy = Proxy()
    broker = tls_broker()
    serve_https(web, *animal("unknown"))
    agent = tls_agent(broker, ca_file=authority.certificate, proxy=proxy.url()).start()
    server = Server(broker)
    server.expect_inform(version="1.0.0")
    server.push("2.0.0", web.add("/new", NEW).replace("http:", "https:"), NEW)
    assert server.expect_progress(-2)["desc"] == f"download: {ZOO['unknown'][1]}"[:128]
    server.close()
    agent.stop()
    proxy.close()


def test_a_proxy_that_forbids_a_download_is_final(tls_broker, tls_agent, authority, web):
    proxy = Proxy("ada", "secret")
    broker = tls_broker()
    serve_https(web, *authority.issue("web", "IP:127.0.0.1"))
    agent = tls_agent(broker, ca_file=authority.certificate, proxy=proxy.url("ada:secret"), no_proxy="127.0.0.1").start()
    server = Server(broker)
    server.expect_inform(version="1.0.0")
    url = web.add("/new", NEW).replace("http:", "https:").replace("127.0.0.1", "localhost")
    proxy._wanted = "nothing that comes"
    server.push("2.0.0", url, NEW)
    assert server.expect_progress(-2)["desc"] == "download: the proxy answered 407"
    server.close()
    agent.stop()
    proxy.close()
