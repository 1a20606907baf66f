"""Key services for tests: one of our own in this process, and one that answers whatever a test wants."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import contextmanager

import grpc

from fluxsecrets.keys import User, make_providers
from fluxsecrets.keys.keyservice.answers import KeyAnswers
from fluxsecrets.keys.keyservice.endpoints import parse_uri
from fluxsecrets.keys.keyservice.server import listening


@contextmanager
def own_service(uri: str, environ: dict[str, str], **options):
    """Serve with the keys of an environment; gives the URI."""
    answers = KeyAnswers(lambda: make_providers(environ, User(allowed_plugins=frozenset())), **options)
    with listening(parse_uri(uri), answers) as bound:
        yield str(bound)


class FailedError(Exception):
    """What `made_up_service` is to answer with a status."""

    def __init__(self, code: str, text: str = "") -> None:
        super().__init__(code)
        self.code, self.text = code, text


class Pool:
    """Runs calls in threads that nobody waits for."""

    def submit(self, call, *args, **options):
        future = Future()

        def run():
            try:
                future.set_result(call(*args, **options))
            except BaseException as error:  # noqa: BLE001
                future.set_exception(error)

        threading.Thread(target=run, daemon=True).start()
        return future


@contextmanager
def made_up_service(answer: Callable[[str, bytes], bytes], service: str = "KeyService"):
    """Serve the bytes that a function gives for a request; it may raise `FailedError`. Gives the URI."""

    def handler(call):
        def handle(message, context):
            try:
                return answer(call, message)
            except FailedError as failed:
                code, text = failed.code, failed.text
            return context.abort(grpc.StatusCode[code], text)

        return grpc.unary_unary_rpc_method_handler(handle)

    server = grpc.server(Pool(), options=[("grpc.so_reuseport", 0)])
    methods = {call: handler(call) for call in ("Encrypt", "Decrypt")}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, methods),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"tcp://127.0.0.1:{port}"
    finally:
        server.stop(None)
