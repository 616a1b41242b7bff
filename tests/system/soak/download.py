"""What a device's downloader does: goes on after a cut, tries again while the server is away, and trusts nothing but the
digest."""

import hashlib
import http.client
import time
import urllib.parse


class Gone(Exception):
    """Not to be had in the time given."""


class Damaged(Exception):
    """All bytes came, and they are others."""


def fetch(url, size, sign, patience):
    """The package, or one of the two exceptions. patience: seconds."""
    place = urllib.parse.urlsplit(url)
    end = time.monotonic() + patience
    got = bytearray()
    why = ""
    pause = 0.1
    while len(got) < size:
        if time.monotonic() > end:
            raise Gone(why)
        try:
            _go_on(place, got)
        except (OSError, http.client.HTTPException) as error:
            why = repr(error)
            time.sleep(pause)
            pause = min(2 * pause, 1.0)
    if sign not in (hashlib.sha256(got).hexdigest(), hashlib.md5(got).hexdigest()):
        raise Damaged(f"{len(got)} bytes with another digest than {sign}")
    return bytes(got)


def _go_on(place, got):
    line = http.client.HTTPConnection(place.hostname, place.port, timeout=5)
    try:
        line.request("GET", f"{place.path}?{place.query}", headers={"Range": f"bytes={len(got)}-"})
        answer = line.getresponse()
        if answer.status not in (200, 206):
            raise http.client.HTTPException(f"answered {answer.status}")
        if answer.status == 200:
            got.clear()
        while piece := answer.read(16384):
            got += piece
    finally:
        line.close()
