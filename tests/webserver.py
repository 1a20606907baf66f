"""A web server on this machine for a fake service: the service is a function, and may be made to fail."""

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple


class Request(NamedTuple):
    """What a client sent; the names of headers are in lower case."""

    method: str
    path: str
    headers: dict
    body: bytes


class Answer(NamedTuple):
    """What a server says; data becomes JSON."""

    status: int
    data: object = None
    headers: dict = {}  # noqa: RUF012 - nothing changes it

    @property
    def body(self):
        return self.data if isinstance(self.data, bytes) else json.dumps(self.data).encode()


class Hang(NamedTuple):
    """Keep the client waiting, until the server ends."""


@contextmanager
def web_server(service, tls=None):
    """Serve what `service` answers to a `Request`, and yield the address; over TLS with an `SSLContext`."""
    ended = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def handle_any(self):
            headers = {name.lower(): text for name, text in self.headers.items()}
            body = self.rfile.read(int(headers.get("content-length", 0)))
            answer = service(Request(self.command, self.path, headers, body))
            if isinstance(answer, Hang):
                ended.wait(10)
                return
            self.send_response(answer.status)
            for name, text in {"Content-Type": "application/json", **answer.headers}.items():
                self.send_header(name, text)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any  # noqa: N815 - names that http.server calls

        def log_message(self, *_args):
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = False

        def handle_error(self, *_args):
            pass  # a client that gave up

    server = Server(("127.0.0.1", 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"{'http' if tls is None else 'https'}://127.0.0.1:{server.server_port}"
    finally:
        ended.set()
        server.shutdown()
        server.server_close()
        thread.join()
