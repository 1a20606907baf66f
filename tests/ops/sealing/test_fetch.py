"""The controller's certificate over HTTP: from this machine only without TLS, bounded, and not led away."""

import threading
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from fluxsecrets.errors import CertificateError, UsageError
from fluxsecrets.ops.sealing.fetch import fetch_certificate
from sealing import key_file


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "*")


@contextmanager
def serving(answers):
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            status, headers, body = answers(self.path)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_the_controllers_own_path_is_asked():
    with serving(lambda _path: (200, {}, key_file("sealing.crt"))) as (address, asked):
        fetched = fetch_certificate(address)
        fetch_certificate(f"{address}/other.pem")
    assert asked == ["/v1/cert.pem", "/other.pem"]
    assert fetched.data == key_file("sealing.crt")
    assert fetched.certificate.bits == 4096


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ((404, {}, b""), "status 404"),
        ((200, {}, b"<html>"), "not a certificate"),
        ((200, {}, b"x" * 2**17), "more than 65536 bytes"),
        ((302, {"Location": "file:///etc/passwd"}, b""), "status 302"),
        ((302, {"Location": "http://127.0.0.1:1/"}, b""), "status 302"),
    ],
    ids=["missing", "page", "large", "to a file", "elsewhere"],
)
def test_what_is_no_certificate(answer, message):
    with (
        serving(lambda _path: answer) as (address, asked),
        pytest.raises(CertificateError, match=message),
    ):
        fetch_certificate(address)
    assert len(asked) == 1


@pytest.mark.parametrize(
    "address",
    ["file:///etc/passwd", "ftp://x/y", "cert.pem", "https://", "https://user:pw@x/", "http://[x/", ""],
)
def test_what_is_no_address(address):
    with pytest.raises(UsageError, match="not a controller"):
        fetch_certificate(address)


def test_a_url_shows_no_credential():
    with pytest.raises(UsageError) as error:
        fetch_certificate("https://user:hunter2@x/?token=hunter2")
    assert "hunter2" not in str(error.value)


def test_a_server_that_never_ends_is_left(tmp_path):
    """It sends a byte now and then, so that no timeout of the socket ends it."""
    over = threading.Event()

    class Endless(BaseHTTPRequestHandler):
        def do_GET(self):
            with suppress(OSError):
                self.wfile.write(b"HTTP/1.0 200 OK\r\n")
                while not over.wait(0.01):
                    self.wfile.write(b"x")

        def log_message(self, *_args):
            pass

    server = HTTPServer(("127.0.0.1", 0), Endless)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        with pytest.raises(CertificateError, match=r"can't be reached \(TimeoutError\)"):
            fetch_certificate(f"http://127.0.0.1:{server.server_port}", deadline=0.1)
    finally:
        over.set()
        server.shutdown()
        server.server_close()
        thread.join()


def test_plain_http_needs_leave_but_from_this_machine():
    with pytest.raises(UsageError, match="plain HTTP"):
        fetch_certificate("http://sealed.example")
    with pytest.raises(CertificateError, match="be reached"):
        fetch_certificate("http://localhost:1")


def test_the_command_says_the_fingerprint(cli, tmp_path):
    with serving(lambda _path: (200, {}, key_file("sealing.crt"))) as (address, _):
        result = cli("seal", "--fetch-cert", address, "-o", tmp_path / "cert.pem")
    assert result.exit_code == 0, result.stderr
    assert (tmp_path / "cert.pem").read_bytes() == key_file("sealing.crt")
    assert "sha256 C3:F9:E8:44:B9:B5:F2:80:ED:C5:48:EB:E2:44:5D:B3:29:93:88:06" in result.stderr
    assert "4096 bits, from 2026-11-23 until 2036-11-20" in result.stderr
