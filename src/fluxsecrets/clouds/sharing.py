"""What threads share: each thing is made by one of them, and the others wait for it."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from concurrent.futures import Future
from copy import copy
from typing import Generic, TypeVar

Result = TypeVar("Result")


class Shared(Generic[Result]):
    """Things by name, such as clients by region.

    There is no lock: a fork could copy one while another thread holds it. `setdefault` is one step for all
    threads.
    """

    def __init__(self) -> None:
        """Start without any."""
        self._made: dict[Hashable, Future[Result]] = {}

    def get(
        self,
        name: Hashable,
        make: Callable[[], Result],
        *,
        remembers: Callable[[BaseException], bool] = lambda _: False,
    ) -> Result:
        """Return the thing of a name. It is made if no thread has made it, or is about to.

        A failure is that of all threads that waited for it. The next call tries again.

        Args:
            name: of the thing.
            make: makes it.
            remembers: whether a failure holds for later calls, too.

        Raises:
            BaseException: what `make` raises, as a copy: errors are completed on their way to the user.
        """
        mine: Future[Result] = Future()
        found = self._made.setdefault(name, mine)
        if found is mine:
            try:
                mine.set_result(make())
            except BaseException as error:  # noqa: BLE001 - it is raised below, and where others wait
                if not remembers(error):
                    del self._made[name]
                mine.set_exception(error)
        failure = found.exception()
        if failure is not None:
            raise copy(failure)
        return found.result()
