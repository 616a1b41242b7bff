"""Certificates of a test's own."""

import subprocess


def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


class Authority:
    """A CA of the test's own."""

    def __init__(self, home, name="ca", *more):
        self.home, self.name = home, name
        self.certificate = home / f"{name}.pem"
        self.pair = self.certificate, home / f"{name}.key"
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
                f"/CN={name}", "-keyout", home / f"{name}.key", "-out", self.certificate)

    def issue(self, name, host, *times):
        """Returns certificate and key for that host; times: from and until when, two days from now if not given."""
        key, request, certificate = (self.home / f"{name}.{suffix}" for suffix in ("key", "csr", "pem"))
        (self.home / f"{name}.ext").write_text(f"subjectAltName={host}\n")
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}", "-keyout", key,
                "-out", request)
        if times:
            self._issue_for(request, certificate, self.home / f"{name}.ext", times)
            return certificate, key
        openssl("x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self.pair[1], "-CAcreateserial", "-days", "2",
                "-extfile", self.home / f"{name}.ext", "-out", certificate)
        return certificate, key

    def _issue_for(self, request, certificate, extensions, times):
        """Only `openssl ca` takes times, and it wants a place for its books."""
        books = self.home / "books"
        books.mkdir()
        (books / "index.txt").touch()
        (books / "ca.conf").write_text(f"[ca]\ndefault_ca = c\n[c]\ndatabase = {books}/index.txt\nnew_certs_dir = {books}\n"
                                       "rand_serial = yes\ndefault_md = sha256\npolicy = p\n[p]\ncommonName = supplied\n")
        openssl("ca", "-batch", "-config", books / "ca.conf", "-in", request, "-cert", self.certificate, "-keyfile", self.pair[1],
                "-startdate", times[0], "-enddate", times[1], "-extfile", extensions, "-notext", "-out", certificate)
