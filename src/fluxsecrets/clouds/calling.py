"""Calls to services: a bounded rate, retries with back-off, and a time limit for everything."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from copy import copy
from dataclasses import dataclass
from random import random
from typing import TypeVar

from fluxsecrets.errors import ServiceError

from .refusal import OFFLINE, REASONS, THROTTLED, TIMED_OUT, refusal

Result = TypeVar("Result")
_SECONDS = re.compile(r"[0-9]{1,5}", re.ASCII)


@dataclass(frozen=True, slots=True)
class CallLimits:
    """What calls to one service may cost.

    Attributes:
        tries: of one request, the first included.
        first_wait: seconds before the second try; each further wait is twice as long, up to `longest_wait`.
        longest_wait: seconds.
        deadline: seconds for one request with all of its tries and waits.
        down_for: seconds in which an address that failed as a whole is not called again.
        per_second: requests that may start in a second.
        at_once: requests that may be under way.
    """

    tries: int = 5
    first_wait: float = 0.25
    longest_wait: float = 8.0
    deadline: float = 30.0
    down_for: float = 60.0
    per_second: float = 100.0
    at_once: int = 16


class Caller:
    """Makes the calls of one run to one kind of service; threads share it.

    An address where all requests would fail, such as one that can't be reached, is not called again for a
    while: many files have one wait, and a server that runs for days recovers. Where several can't be reached,
    the others are tried once each: a file may name any number of regions.
    """

    def __init__(
        self,
        service: str,
        limits: CallLimits = CallLimits(),
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        jitter: Callable[[], float] = random,
    ) -> None:
        """Take the service's name for people, and the limits; the others are for tests."""
        self._service = service
        self._limits = limits
        self._clock = clock
        self._sleep = sleep
        self._jitter = jitter
        self._slots = threading.BoundedSemaphore(limits.at_once)
        self._lock = threading.Lock()
        self._next_start = 0.0
        self._down: dict[str, tuple[ServiceError, float]] = {}

    def call(self, address: str, request: Callable[[], Result], *, once: bool = False) -> Result:
        """Return what a request returns.

        Args:
            address: what is down as a whole if it can't be reached, such as a region or a server.
            request: raises ServiceError with a reason, and nothing else that is expected.
            once: the service must not carry it out twice. It is made again only if the service was too busy
                to look at it; after a lost answer nobody knows.

        Raises:
            ServiceError: it failed for good, or not in time.
        """
        end: float | None = None
        wait = self._limits.first_wait
        for last in (*(False,) * (self._limits.tries - 1), True):
            with self._slots:
                self._refuse_down(address)
                self._take_turn()
                end = self._clock() + self._limits.deadline if end is None else end
                try:
                    return self._in_time(end, request)
                except ServiceError as error:
                    failure = error
            passing = failure.reason == THROTTLED if once else REASONS[failure.reason].passing
            passing = passing and not (failure.reason == OFFLINE and self._is_cut_off(address))
            pause = failure.retry_after or wait * (0.5 + self._jitter() / 2)
            if last or not passing or not 0 <= pause < end - self._clock():
                if REASONS[failure.reason].everywhere:
                    self._down[address] = failure, self._clock() + self._limits.down_for
                raise failure
            self._sleep(pause)
            wait = min(2 * wait, self._limits.longest_wait)
        raise AssertionError("the last try returns or raises")

    def _in_time(self, end: float, request: Callable[[], Result]) -> Result:
        try:
            return within(end - self._clock(), request)
        except TimeoutError:
            raise refusal(TIMED_OUT, self._service) from None

    def _refuse_down(self, address: str) -> None:
        """Raise what is known of an address; a copy, since errors are completed on their way to the user."""
        error, until = self._down.get(address, (None, 0.0))
        if error is not None and self._clock() < until:
            raise copy(error)

    def _is_cut_off(self, address: str) -> bool:
        """Whether enough of the other addresses can't be reached."""
        now, known = self._clock(), list(self._down.items())
        down = [each for each, (error, until) in known if error.reason == OFFLINE and now < until]
        return sum(each != address for each in down) >= _CUT_OFF

    def _take_turn(self) -> None:
        with self._lock:
            now = self._clock()
            start = max(now, self._next_start)
            self._next_start = start + 1 / self._limits.per_second
        if start > now:
            self._sleep(start - now)


_CUT_OFF = 2
"""Addresses."""


def wait_of(header: object) -> float | None:
    """Return the seconds that a header `Retry-After` asks for; None for anything else, such as a date."""
    return float(header) if isinstance(header, str) and _SECONDS.fullmatch(header) else None


def within(seconds: float, call: Callable[[], Result]) -> Result:
    """Return what a call returns, or raise what it raises.

    A socket's own time-out does not end what sends a byte now and then.

    Raises:
        TimeoutError: it takes too long; its thread ends with the process.
    """
    future: Future[Result] = Future()

    def run() -> None:
        try:
            future.set_result(call())
        except BaseException as error:  # noqa: BLE001 - `result` raises it
            future.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return future.result(max(0.0, seconds))
