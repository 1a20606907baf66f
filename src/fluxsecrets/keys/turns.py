"""One thread at a time: nobody is asked twice at once, and no program runs twice for the same answer."""

from __future__ import annotations

from functools import wraps

from fluxsecrets.rlock import RLock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Concatenate, ParamSpec, TypeVar

    Owner = TypeVar("Owner", bound="Turns")
    Parameters = ParamSpec("Parameters")
    Result = TypeVar("Result")
    Method = Callable[Concatenate[Owner, Parameters], Result]


class Turns:
    """A provider whose methods take turns where they are `in_turn`."""

    def __init__(self) -> None:
        """Make the lock."""
        self._turn = RLock()

    def __getstate__(self) -> dict[str, object]:
        """Leave out the lock: another process has its own."""
        return {name: value for name, value in self.__dict__.items() if name != "_turn"}

    def __setstate__(self, state: dict[str, object]) -> None:
        """Restore what was pickled."""
        self.__dict__.update(state)
        self._turn = RLock()

    def take_turn(self) -> RLock:
        """Return the lock, for a `with` statement."""
        return self._turn


def in_turn(method: Method[Owner, Parameters, Result]) -> Method[Owner, Parameters, Result]:
    """Let one thread at a time into all such methods of an object; a method may call the others."""

    @wraps(method)
    def taking_turns(self: Owner, *args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        with self.take_turn():
            return method(self, *args, **kwargs)

    return taking_turns  # type: ignore[return-value]  # `wraps` does not tell a method from a function
