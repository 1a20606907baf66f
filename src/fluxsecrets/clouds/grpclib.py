"""The gRPC library, which is imported when a connection is made or a server starts."""

from __future__ import annotations

import atexit
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from .refusal import missing_extra

_VERBOSITY = "GRPC_VERBOSITY"


def grpc_library(service: str, extra: str) -> Any:
    """Return the module `grpc`.

    Args:
        service: what needs it, for people.
        extra: the one that brings it.

    Raises:
        ServiceError: it is not installed.
    """
    try:
        with _quiet():
            import grpc
    except ImportError:
        raise missing_extra(service, extra) from None
    return grpc


def close_at_exit(channel: Any) -> None:
    """Close a connection when the process ends.

    Otherwise Python closes it at its very end, and waits for threads of gRPC that are gone.
    """
    atexit.register(channel.close)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep log lines of gRPC off standard error. Its core reads the variable once, when it is loaded."""
    if _VERBOSITY in os.environ:
        yield
        return
    os.environ[_VERBOSITY] = "NONE"
    try:
        yield
    finally:
        del os.environ[_VERBOSITY]
