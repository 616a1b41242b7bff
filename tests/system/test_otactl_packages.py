"""otactl package: hosted elsewhere, told in words and tags, taken back, and compared with what devices would get."""

import hashlib
import http.server
import json
import os
import re
import signal
import threading

import pytest

from gateway_rig.fake_broker import Refusal
from gateway_rig.fixtures import bench, fake_broker, gateway, make_gateway, otactl, plugin  # noqa: F401
from harness.wait import DEADLINE, until

pytestmark = pytest.mark.needs_no_plugin

DATA = os.urandom(300_000)
SHA256, MD5 = hashlib.sha256(DATA).hexdigest(), hashlib.md5(DATA).hexdigest()


class Stranger(http.server.BaseHTTPRequestHandler):
    """A host that is not ours: serves DATA well, and badly in each of the ways a host can."""

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.server.asked.append((self.path, dict(self.headers)))
        kind, _, rest = self.path.strip("/").partition("/")
        getattr(self, kind.partition("?")[0].partition(".")[0])(rest)

    def answer(self, status, body=b"", **headers):
        self.send_response(status)
        for name, value in {"Content-Length": len(body), **headers}.items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(body)

    def good(self, _):
        self.answer(200, DATA)

    def other(self, _):
        self.answer(200, DATA[:-1] + b"x")

    def short(self, _):
        self.answer(200, DATA[:1000])

    def unsaid(self, _):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(DATA)

    def cut(self, _):
        self.answer(200, DATA[:1000], **{"Content-Length": len(DATA)})

    def huge(self, _):
        self.answer(200, b"", **{"Content-Length": 2 ** 32})

    def empty(self, _):
        self.answer(200)

    def gone(self, _):
        self.answer(404, b"not here")

    def part(self, _):
        self.answer(206, DATA)

    def hop(self, rest):
        number = int(rest)
        self.answer(302, Location=f"/hop/{number - 1}" if number > 1 else "/good")

    def file(self, _):
        self.answer(302, Location="file:///etc/passwd")


@pytest.fixture
def stranger():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Stranger)
    server.daemon_threads = True
    server.asked = []
    server.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def add(stranger, path, *more):
    return ("package", "add", "--url", stranger.url + path, "-p", "pk1", "-v", "2", *more)


@pytest.mark.parametrize("path", ["/good", "/good.bin?v=2", "/unsaid", "/hop/1", "/hop/5"])
def test_package_hosted_elsewhere_is_fetched_once_to_measure_it(plugin, otactl, stranger, path):
    result = otactl(*add(stranger, path, "-o", "json"))
    assert result.code == 0, result
    dry, real = plugin.asked("addPackage")
    assert dry["dryRun"] is True and "dryRun" not in real
    assert {key: real[key] for key in ("url", "size", "sha256", "md5")} == {
        "url": stranger.url + path, "size": len(DATA), "sha256": SHA256, "md5": MD5}
    assert len([asked for asked, _ in stranger.asked if "hop" not in asked]) == 1
    assert ("leads on" in result.err) == ("hop" in path)


def test_token_does_not_go_to_strangers(plugin, otactl, stranger):
    otactl.good(*add(stranger, "/hop/1"))
    assert len(stranger.asked) == 2
    assert not any("Authorization" in headers for _, headers in stranger.asked)


@pytest.mark.parametrize("path, words", [
    ("/gone", "404"), ("/part", "answers 206 instead of 200"), ("/empty", "is empty"), ("/cut", "was cut off after 1000 bytes"),
    ("/huge", "has more than 4294967295 bytes"), ("/hop/6", "leads on more than 5 times"),
    ("/file", "leads to a URL that is not")])
def test_host_that_serves_badly_is_told_in_a_sentence_and_nothing_is_added(plugin, otactl, stranger, path, words):
    result = otactl(*add(stranger, path))
    assert result.code in (1, 2) and words in result.err and stranger.url in result.err, result
    assert len(result.err.splitlines()) == 1
    assert [each.get("dryRun") for each in plugin.asked("addPackage")] == [True]


def test_wrong_product_is_told_before_the_first_byte_is_fetched(plugin, otactl, stranger):
    def refuse(_):
        raise Refusal("not_found", "product pk1 does not exist", "productKey")
    plugin.answers["addPackage"] = refuse
    assert otactl(*add(stranger, "/good")) == (3, "", "otactl: --product: product pk1 does not exist\n")
    assert stranger.asked == []


@pytest.mark.parametrize("words, said", [
    ("", "which package?"), ("fw.bin --url http://h/f", "not both"), ("--url ftp://h/f", "--url is \"ftp://h/f\"; allowed:"),
    ("--url http://u:p@h/f", "--url is "), ("--url http://h/" + "x" * 247, "--url is "), ("--url http://h/ü", "--url is "),
    ("fw.bin --info a", "KEY=VALUE"), ("fw.bin --info a=1 --info a=2", "given twice"),
    ("fw.bin --info url=1", "word of the protocol"),
    ("fw.bin --info _a=1", "does not begin with _"), ("fw.bin --info " + "k" * 31 + "=1", "1..30"),
    ("fw.bin --info a=" + "v" * 1025, "1024"), ("fw.bin --info a={", "must not hold"),
    ("fw.bin " + " ".join(f"--info k{number}=1" for number in range(11)), "at most 10"),
    ("fw.bin --notes x --notes-file y", "excludes"), ("fw.bin --notes-file nowhere", "nowhere"),
    ("fw.bin --notes " + "n" * 1025, "--notes"),
])
def test_package_that_breaks_a_rule_is_refused_here(plugin, otactl, words, said):
    result = otactl("package", "add", "-p", "pk1", "-v", "2", *words.split())
    assert result.code in (1, 2, 3) and said in result.err, result
    assert plugin.asked("addPackage") == []


def test_notes_and_infos_at_their_limits_arrive_whole(plugin, gateway, otactl, tmp_path):
    notes = "fixes\n\tthe clock: ü %&=+?" + "\u20ac" * 330
    notes += "n" * (1024 - len(notes.encode()))
    (tmp_path / "notes").write_bytes(notes.encode() + b"\n\n")
    (tmp_path / "fw.bin").write_bytes(b"image")
    infos = {f"k{number}" + "x" * 28: "%" * 379 for number in range(10)}
    words = [word for key, value in infos.items() for word in ("--info", f"{key}={value}")]
    result = otactl("package", "add", tmp_path / "fw.bin", "-p", "pk1", "-v", "2", "--notes-file", tmp_path / "notes", *words)
    assert result.code == 0, result
    dry, real = plugin.asked("addPackage")
    for each in (dry, real):
        assert each["notes"] == notes and each["extData"] == infos


@pytest.mark.parametrize("content, said", [
    (b"a\0b", "NUL"), (b"a\xffb", "UTF-8"), (b"a\x1bb", "control"), (b"n" * 1025, "1024"), (b"n" * 65537, "--notes-file")])
def test_notes_file_that_is_no_text_is_refused(plugin, otactl, tmp_path, content, said):
    (tmp_path / "notes").write_bytes(content)
    (tmp_path / "fw.bin").write_bytes(b"image")
    result = otactl("package", "add", tmp_path / "fw.bin", "-p", "pk1", "-v", "2", "--notes-file", tmp_path / "notes")
    assert result.code in (1, 2) and said in result.err, result
    assert plugin.asked("addPackage") == []


@pytest.mark.parametrize("columns", [1, 20, 40, 80, 200])
def test_bar_keeps_to_its_terminal(plugin, otactl, stranger, tmp_path, columns):
    (tmp_path / "firmware-with-a-long-name-2.0.bin").write_bytes(bytes(3_000_000))
    for words in (("package", "add", tmp_path / "firmware-with-a-long-name-2.0.bin", "-p", "pk1", "-v", "1", "-o", "name"),
                  add(stranger, "/good", "-o", "name"), add(stranger, "/unsaid", "-o", "name")):
        code, shown = otactl.on_terminal(*words, columns=columns)
        frames = re.sub(r"\x1b\[K", "", shown).split("\n")[0].strip("\r").split("\r")
        assert code == 0 and frames and all(len(frame) <= columns for frame in frames), frames
        if columns >= 40 and "unsaid" not in str(words):
            assert "100.0%" in frames[-1]
        assert shown.replace("\r", "").endswith("\n1\n"), "the result stands below the bar"


def test_nobody_draws_into_a_pipe_or_with_quiet(plugin, otactl, stranger):
    assert otactl(*add(stranger, "/good")).err == ""
    _, shown = otactl.on_terminal(*add(stranger, "/good", "--quiet"))
    assert "\x1b" not in shown


def test_interrupted_upload_leaves_nothing(plugin, gateway, otactl, tmp_path):
    with open(tmp_path / "fw.bin", "wb") as file:
        file.truncate(200_000_000)
    running = otactl.start("package", "add", str(tmp_path / "fw.bin"), "-p", "pk1", "-v", "1")
    until(gateway.packages, "the upload has begun")
    running.send_signal(signal.SIGINT)
    assert running.wait(DEADLINE) == -signal.SIGINT
    running.communicate()
    until(lambda: not gateway.packages(), "the temporary file is gone")
    assert len(plugin.asked("addPackage")) == 1, "only the dry run"


def link(stranger, path, **more):
    return {"url": stranger.url + path, "size": len(DATA), "sha256": SHA256, "md5": MD5, **more}


def test_verify_fetches_what_a_device_would_get(plugin, otactl, stranger):
    plugin.answers["linkPackage"] = link(stranger, "/good", expiresAt=1795173797123)
    shown = json.loads(otactl.good("package", "verify", 3, "-o", "json"))
    assert shown == link(stranger, "/good", expiresAt=1795173797123, intact=True)
    assert re.match(r"intact +yes\n", otactl.good("package", "verify", "-p", "pk1", "-v", "2"))
    assert [(each.get("package"), each.get("version")) for each in plugin.asked("linkPackage")] == [(3, None), (None, "2")]


@pytest.mark.parametrize("path, words", [
    ("/other", [f"sha256 is {hashlib.sha256(DATA[:-1] + b'x').hexdigest()}, should be {SHA256}", f"should be {MD5}"]),
    ("/short", ["size is 1000, should be 300000", f"should be {SHA256}"]),
])
def test_verify_says_what_differs_and_ends_with_6(plugin, otactl, stranger, path, words):
    plugin.answers["linkPackage"] = link(stranger, path)
    result = otactl("package", "verify", 3)
    assert (result.code, result.out) == (6, "")
    for each in words:
        assert each in result.err


def test_verify_of_what_cannot_be_fetched_ends_with_1(plugin, otactl, stranger):
    plugin.answers["linkPackage"] = link(stranger, "/gone")
    result = otactl("package", "verify", 3)
    assert result.code == 1 and "404" in result.err


def test_yank_asks_nothing_and_says_what_force_would_do(plugin, otactl):
    def refuse(_):
        said = "package 3 (2.0) is in use (unfinished tasks 7, open batches 1); force true cancels them"
        raise Refusal("conflict", said, "force")
    plugin.answers["yankPackage"] = refuse
    result = otactl("package", "yank", 3)
    assert (result.code, result.err) == (
        4, "otactl: package 3 (2.0) is in use (unfinished tasks 7, open batches 1); --force cancels them\n")
    plugin.answers["yankPackage"] = {"id": 3}
    otactl.good("package", "yank", "-p", "pk1", "-v", "2.0", "--force", "--reason", "bricks", "--request-id", "r1")
    asked = plugin.asked("yankPackage")[-1]
    assert {key: asked[key] for key in ("productKey", "version", "force", "reason", "requestId")} == {
        "productKey": "pk1", "version": "2.0", "force": True, "reason": "bricks", "requestId": "r1"}


def test_notes_of_several_lines_stand_below_each_other(plugin, otactl):
    plugin.answers["getPackage"] = {"id": 3, "notes": "fixes\n- the clock\n\n- \x1b[2Jthe rest", "createdBy": "ann"}
    shown = otactl.good("package", "show", 3)
    assert re.sub(" {2,}", "  ", shown) == "package  3\nnotes  fixes\n  - the clock\n\n  -  [2Jthe rest\nby  ann\n"
    lines = shown.split("\n")
    assert lines[1].index("fixes") == lines[2].index("-") == lines[4].index("-"), "where the first one begins"


def test_reason_and_request_id_of_an_upload_arrive(plugin, gateway, otactl, tmp_path):
    (tmp_path / "fw.bin").write_bytes(b"image")
    otactl.good("package", "add", tmp_path / "fw.bin", "-p", "pk1", "-v", "2", "--reason", "for the lab", "--request-id", "r 1")
    dry, real = plugin.asked("addPackage")
    assert (real["reason"], real["requestId"]) == ("for the lab", "r 1")
