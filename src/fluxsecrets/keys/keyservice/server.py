"""A key service for others, by gRPC (sops: cmd/sops/subcommand/keyservice)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from queue import SimpleQueue
from typing import Any, TypeVar

from fluxsecrets.clouds.grpclib import grpc_library
from fluxsecrets.errors import FileAccessError

from .answers import KeyAnswers, RefusedError
from .endpoints import UNIX, Endpoint
from .messages import DECRYPT, ENCRYPT, MOST_BYTES, SERVICE
from .sockets import check_port, make_way, only_for_owner, remove_socket

Result = TypeVar("Result")

_AT_ONCE = 32
_OPTIONS = (
    ("grpc.max_receive_message_length", MOST_BYTES),
    ("grpc.max_metadata_size", 8192),
    ("grpc.max_concurrent_streams", _AT_ONCE // 2),
    ("grpc.max_connection_idle_ms", 60_000),
    ("grpc.max_connection_age_ms", 600_000),
    ("grpc.max_connection_age_grace_ms", 300_000),
    ("grpc.so_reuseport", 0),
)
"""Of a server: what a client may send, and how long it may keep a connection. One can't take all threads.

Clients connect again by themselves. With so_reuseport, a second server could listen on the same port.
"""


@contextmanager
def listening(
    endpoint: Endpoint, answers: KeyAnswers, warn: Callable[[str], None] = lambda _: None
) -> Iterator[Endpoint]:
    """Answer requests in threads until the block ends. Requests that are under way then are dropped.

    Yields:
        Where it listens; the port is chosen by the system where it was 0.

    Raises:
        ServiceError: gRPC is not installed.
        FileAccessError: the address can't be listened on, or the socket would not be safe.
    """
    grpc = grpc_library("the key service", "keyservice")
    server = grpc.server(_Threads(), options=_OPTIONS, maximum_concurrent_rpcs=_AT_ONCE)
    methods = {
        call: grpc.unary_unary_rpc_method_handler(_handler(grpc, answers, call))
        for call in (ENCRYPT, DECRYPT)
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, methods),))
    bound = _bind(server, endpoint, warn)
    try:
        server.start()
        yield bound
    finally:
        server.stop(None)
        if endpoint.network == UNIX:
            remove_socket(endpoint.address)


def _bind(server: Any, endpoint: Endpoint, warn: Callable[[str], None]) -> Endpoint:
    if endpoint.network == UNIX:
        warning = make_way(endpoint.address)
        if warning is not None:
            warn(warning)
    else:
        check_port(endpoint)
    host, _, port = endpoint.address.rpartition(":")
    target = endpoint.target if host or endpoint.network == UNIX else f"[::]:{port}"
    try:
        with only_for_owner():
            number = server.add_insecure_port(target)
    except RuntimeError:  # its text is gRPC's own
        raise FileAccessError(
            "the key service can't listen there", hint="choose another address", path=str(endpoint)
        ) from None
    return endpoint if endpoint.network == UNIX else Endpoint(endpoint.network, f"{host}:{number}")


def _handler(grpc: Any, answers: KeyAnswers, call: str) -> Callable[[bytes, Any], bytes]:
    def handle(message: bytes, context: Any) -> bytes:
        try:
            return answers.answer(call, message, context.is_active)
        except RefusedError as error:
            code, text = error.code, error.text
        except Exception as error:  # noqa: BLE001 - gRPC would log its traceback, which may hold a key
            code, text = "INTERNAL", f"unexpected {type(error).__name__}"
        context.abort(grpc.StatusCode[code], text)
        raise AssertionError("abort raises")

    return handle


class _Threads:
    """Runs each request in a thread of its own, which ends with it. gRPC bounds how many there are.

    Those of an executor would keep the process from ending while one waits, such as for gpg.
    """

    def submit(self, call: Callable[..., Result], *args: Any, **options: Any) -> Future[Result]:
        """Start a call."""
        future: Future[Result] = Future()

        def run() -> None:
            try:
                future.set_result(call(*args, **options))
            except BaseException as error:  # noqa: BLE001 - the caller looks at the future
                future.set_exception(error)

        threading.Thread(target=run, daemon=True).start()
        return future


class MainThread:
    """Lets threads ask the user, one after the other, in the thread that signals reach."""

    def __init__(self) -> None:
        """Start without a question."""
        self._waiting: SimpleQueue[tuple[Callable[[], Any], Future[Any]]] = SimpleQueue()

    def ask(self, question: Callable[[], Result]) -> Result:
        """Have a call made by `serve`, and return what it returns or raise what it raises."""
        answer: Future[Result] = Future()
        self._waiting.put((question, answer))
        return answer.result()

    def serve(self) -> None:
        """Make calls as they come, until a signal ends it."""
        while True:
            question, answer = self._waiting.get()
            try:
                answer.set_result(question())
            except Exception as error:  # noqa: BLE001 - the thread that asked gets it
                answer.set_exception(error)
