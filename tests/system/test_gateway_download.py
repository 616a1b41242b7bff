"""Downloads: what a Link SDK, a browser and a forger get."""

import hashlib
import os
import time

import pytest

from gateway_rig.fixtures import bench, fake_broker, gateway, make_gateway, web  # noqa: F401
from gateway_rig.process import signed

pytestmark = pytest.mark.needs_no_plugin

DATA = os.urandom(300_000)
NAME = hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def path(gateway):
    gateway.put_package(DATA)
    return signed(NAME)


def test_whole_file_with_the_headers_that_sdk_4_reads(web, path):
    answer = web.get(path)
    assert (answer.status, answer.body) == (200, DATA)
    assert answer.headers["Content-Length"] == str(len(DATA))
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert answer.headers["ETag"] == f'"{NAME}"'
    assert "Transfer-Encoding" not in answer.headers
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_head_tells_the_same_without_the_body(web, path):
    answer = web.request("HEAD", path)
    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["Content-Length"] == str(len(DATA))
    assert answer.headers["ETag"] == f'"{NAME}"'


@pytest.mark.parametrize("asked, first, size", [
    ("bytes=0-", 0, len(DATA)),  # what SDK 4.x always sends
    ("bytes=8192-", 8192, len(DATA) - 8192),
    ("bytes=0-0", 0, 1),
    ("bytes=100-199", 100, 100),
    (f"bytes={len(DATA) - 1}-", len(DATA) - 1, 1),
    (f"bytes=10-{2 ** 63}", 10, len(DATA) - 10),
    ("bytes=-1", len(DATA) - 1, 1),
    ("bytes=-99999999", 0, len(DATA)),
])
def test_range_is_served_as_a_part(web, path, asked, first, size):
    answer = web.get(path, Range=asked)
    assert (answer.status, answer.body) == (206, DATA[first:first + size])
    assert answer.headers["Content-Range"] == f"bytes {first}-{first + size - 1}/{len(DATA)}"
    assert answer.headers["Content-Length"] == str(size)
    assert answer.headers["ETag"] == f'"{NAME}"'


@pytest.mark.parametrize("asked", [f"bytes={len(DATA)}-", "bytes=99999999-", f"bytes={2 ** 64 - 1}-", "bytes=-0"])
def test_range_outside_is_416_with_the_size(web, path, asked):
    answer = web.get(path, Range=asked)
    assert answer.status == 416
    assert answer.headers["Content-Range"] == f"bytes */{len(DATA)}"
    assert answer.error[0] == "invalid"


@pytest.mark.parametrize("asked", ["bytes=5-2", "bytes=a-b", "bytes=0-1,5-9", "lines=1-2", "bytes=", "bytes=-", "bytes=+1-5",
                                   f"bytes={2 ** 64}-"])
def test_range_that_is_none_gives_the_whole(web, path, asked):
    assert web.get(path, Range=asked).status == 200


@pytest.mark.parametrize("condition, status", [(f'"{NAME}"', 206), (f'W/"{NAME}"', 200), ('"other"', 200),
                                               ("Fri, 20 Nov 2026 10:00:00 GMT", 200)])
def test_if_range_decides_about_the_part(web, path, condition, status):
    answer = web.get(path, Range="bytes=7-9", If_Range=condition)
    assert answer.status == status
    assert answer.body == (DATA[7:10] if status == 206 else DATA)


def test_range_means_nothing_for_head(web, path):
    answer = web.request("HEAD", path, headers={"Range": "bytes=7-9"})
    assert (answer.status, answer.headers["Content-Length"]) == (200, str(len(DATA)))


@pytest.mark.parametrize("target", [
    signed(NAME, expires=int(time.time()) - 1),
    signed(NAME, key="22" * 32),
    signed(NAME).replace("d=0", "d=1"),
    signed(NAME) + "&x=1",
    signed(NAME).split("&s=")[0],
    f"/dl/{NAME}",
    signed("0" * 64).replace("0" * 64, NAME),
], ids=["expired", "other key", "other device", "more parameters", "unsigned", "bare", "other package"])
def test_forged_or_expired_url_is_403_with_a_sentence(web, path, target):
    answer = web.get(target)
    assert answer.status == 403
    assert answer.error[0] == "denied"


def test_expired_url_says_so(web, path):
    assert "expired" in web.get(signed(NAME, expires=1)).error[1]


def test_other_time_in_the_url_is_a_forgery(web, path):
    end = path.split("e=")[1].split("&")[0]
    assert web.get(path.replace(end, str(int(end) + 1))).status == 403


def test_unknown_package_is_404(web):
    assert web.get(signed("0" * 64)).status == 404


@pytest.mark.parametrize("target", [
    signed(NAME).replace("/dl/", "/%64l/"),
    signed(NAME).replace("/dl/", "//dl/"),
    signed(NAME).replace("/dl/", "/dl/./"),
    signed(NAME).replace("/dl/", "/x/../dl/"),
    signed(NAME).replace("/dl/", "/dl/%2e%2e/"),
    "/dl/../gateway.conf",
    "/dl/%2e%2e%2fgateway.conf",
])
def test_path_has_one_spelling(web, path, target):
    answer = web.get(target)
    assert answer.status in (400, 404)
    assert answer.error[0] in ("invalid", "not_found")


def test_name_that_is_no_digest_never_reaches_the_disk(gateway, web):
    (gateway.package_dir / "secret").write_text("x")
    assert web.get(signed("secret")).status == 403


def test_link_in_the_directory_is_not_followed(gateway, web):
    (gateway.package_dir / NAME).symlink_to("/etc/hostname")
    assert web.get(signed(NAME)).status == 500


def test_connection_is_kept_over_several_requests(gateway, web, path):
    with web.line() as line:
        for _ in range(3):
            line.send(web.head("GET", path, {"Range": "bytes=0-9"}))
            assert line.answer().body == DATA[:10]


def test_both_keys_of_a_rotation_are_good(make_gateway):
    gateway = make_gateway("rotating")
    gateway.configure()
    gateway.key_file.write_text("22" * 32 + "\n" + "11" * 32 + "\n")
    gateway.start()
    gateway.put_package(DATA)
    assert [gateway.web().get(signed(NAME, key=key * 32)).status for key in ("11", "22", "33")] == [200, 200, 403]


def test_large_file_beyond_32_bits(gateway, web):
    name = "ab" * 32
    size = 2 ** 32 + 5
    with open(gateway.package_dir / name, "wb") as file:
        file.truncate(size)
        file.seek(size - 3)
        file.write(b"end")
    head = web.request("HEAD", signed(name))
    assert head.headers["Content-Length"] == str(size)
    tail = web.get(signed(name), Range=f"bytes={size - 5}-")
    assert tail.body == b"\0\0end"
    assert tail.headers["Content-Range"] == f"bytes {size - 5}-{size - 1}/{size}"
