"""What a benchmark is given, and what it gives back."""

from collections.abc import Callable, Iterable, Mapping, Sequence
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
        tiny: show that it works, with so little that the times say nothing.
    """

    folder: Path
    ours: str
    peers: Mapping[str, str]
    rounds: int
    tiny: bool = False

    def size(self, full: int, tiny: int) -> int:
        """How many there are of something."""
        return tiny if self.tiny else full

    def starts(self, full: int) -> int:
        """How often a short command is started: the machine's noise is large beside its time."""
        return 1 if self.tiny else full


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the results.

    Attributes:
        what: what was done.
        ours: what it cost us.
        theirs: what it cost the peer, or None where that is not on PATH.
        peer: what it is compared with.
        wanted: the bound: so many times as fast as the peer; or None.
        at_most: the bound: at most so many times as long as the peer; or None.
        limit: the bound in seconds, or None.
        most_memory: the bound of the memory in bytes, or None.
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
    most_memory: float | None = None

    @property
    def met(self) -> bool | None:
        """Whether it keeps within all its bounds; None if it has none, or the peer of one is missing."""
        verdicts = list(self._verdicts())
        if False in verdicts:
            return False
        return None if None in verdicts or not verdicts else True

    def _verdicts(self) -> Iterable[bool | None]:
        seconds = self.ours.seconds
        if self.wanted is not None:
            yield self.theirs.seconds >= self.wanted * seconds if self.theirs is not None else None
        if self.at_most is not None:
            yield seconds <= self.at_most * self.theirs.seconds if self.theirs is not None else None
        if self.limit is not None:
            yield seconds <= self.limit
        if self.most_memory is not None:
            yield self.ours.memory <= self.most_memory


@dataclass(frozen=True, slots=True)
class Benchmark:
    """An entry of the table.

    Attributes:
        name: its name on the command line.
        run: what it measures.
        title: what stands above its rows; the name, unless it says more.
    """

    name: str
    run: Callable[[Surroundings], Sequence[Row]] = field(repr=False)
    title: str = ""
