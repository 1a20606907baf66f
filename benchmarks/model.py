"""What a benchmark is given, and what it gives back."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .measure import Cost


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a benchmark may use.

    Attributes:
        folder: an empty folder of its own.
        ours: path of the `fluxsecrets` executable.
        peers: path of each peer that is on PATH, by name.
        rounds: how often everything is run; the best counts.
    """

    folder: Path
    ours: str
    peers: Mapping[str, str]
    rounds: int


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the results.

    Attributes:
        what: what was done.
        ours: what it cost us.
        theirs: what it cost the peer, or None where that is not on PATH.
        peer: what it is compared with.
        wanted: the goal: so many times as fast as the peer; or None.
        at_most: the goal: at most so many times as long as the peer; or None.
        limit: the goal in seconds, or None.
        note: how the numbers came about, where that is not plain.
    """

    what: str
    ours: Cost
    theirs: Cost | None = None
    peer: str = ""
    wanted: float | None = None
    at_most: float | None = None
    limit: float | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Benchmark:
    """An entry of the table: a name for the command line, and what it measures."""

    name: str
    run: Callable[[Surroundings], Sequence[Row]] = field(repr=False)
