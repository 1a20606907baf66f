"""Requests to stores: each error names the store and the key."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from typing import TypeVar

from fluxsecrets.clouds.calling import Caller
from fluxsecrets.errors import ServiceError

Result = TypeVar("Result")


def ask(
    caller: Caller, address: str, place: str, request: Callable[[], Result], *, writes: bool = False
) -> Result:
    """Return what a request to a store returns.

    Args:
        caller: of the store.
        address: what is down as a whole if it can't be reached.
        place: the store and the key, for messages.
        request: see `Caller.call`.
        writes: it changes the store, so it is made again only if the store surely did not carry it out.

    Raises:
        ServiceError: with the place.
    """
    try:
        return caller.call(address, request, once=writes)
    except ServiceError as error:
        # The caller raises the same error for every key of an address that is down.
        own = copy(error)
        own.path = place
        raise own from None
