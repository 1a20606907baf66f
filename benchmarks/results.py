"""Results as Markdown: each row beside its peer and its bound, and whether it keeps within that."""

import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from .measure import Cost
from .model import Row

Section = tuple[str, Sequence[Row]]
"""A title, and the rows below it."""

_HEAD = (
    "| | fluxsecrets | beside | that took | so it is | bound | met | memory | its memory |",
    "|---|---:|---|---:|---:|---:|---|---:|---:|",
)


def report(
    sections: Sequence[Section], ours: str, peers: Mapping[str, str], rounds: int, *, tiny: bool = False
) -> str:
    """The whole text, without its title."""
    rows = [row for _, section in sections for row in section]
    notes = list(dict.fromkeys(row.note for row in rows if row.note))
    parts = [surroundings(ours, peers), _TINY if tiny else summary(rows)]
    for title, section in sections:
        parts += [f"**{title}**", table(section, notes)]
    return "\n\n".join([*parts, footnotes(notes, rounds)])


_TINY = "Tiny: this shows that everything runs. The times, and what is met, say nothing."


def surroundings(ours: str, peers: Mapping[str, str]) -> str:
    """When, where, and with which versions."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    facts = [
        datetime.now(UTC).date().isoformat(),
        f"{cores} cores",
        f"{platform.system()} {platform.machine()}",
        f"Python {platform.python_version()}",
        _first_line([ours, "--version"]),
    ]
    if "sops" in peers:
        facts.append(_first_line([peers["sops"], "--disable-version-check", "--version"]))
    if hasattr(os, "getloadavg"):
        facts.append(f"load at the end {os.getloadavg()[0]:.1f}")
    return " · ".join(facts)


def _first_line(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return (done.stdout or done.stderr).splitlines()[0]


def summary(rows: Sequence[Row]) -> str:
    """How many bounds are met, and which are not."""
    bounded = [row for row in rows if row.met is not None]
    missed = [row.what for row in bounded if not row.met]
    text = f"{len(bounded) - len(missed)} of {len(bounded)} bounds are met."
    return f"{text} Not met: {'; '.join(missed)}." if missed else text


def table(rows: Sequence[Row], notes: Sequence[str]) -> str:
    """The rows; marks refer to the notes by their number."""
    return "\n".join([*_HEAD, *(f"| {' | '.join(_cells(row, notes))} |" for row in rows)])


def _cells(row: Row, notes: Sequence[str]) -> list[str]:
    ours, theirs = row.ours, row.theirs
    return [
        row.what + (f" [{notes.index(row.note) + 1}]" if row.note else ""),
        _seconds(ours.seconds),
        (row.peer if theirs else f"{row.peer}: not here" if row.peer else "–"),
        _seconds(theirs.seconds) if theirs else "–",
        _ratio(ours, theirs, longer=row.at_most is not None) if theirs else "–",
        _bound(row),
        {True: "met", False: "**not met**", None: "–"}[row.met],
        _memory(ours.memory),
        _memory(theirs.memory) if theirs else "–",
    ]


def _ratio(ours: Cost, theirs: Cost, *, longer: bool) -> str:
    if longer or theirs.seconds < ours.seconds:
        return f"{_factor(ours.seconds / theirs.seconds)} times as long"
    return f"{_factor(theirs.seconds / ours.seconds)} times as fast"


def _factor(number: float) -> str:
    return f"{number:.0f}" if number >= 100 else f"{number:.1f}" if number >= 10 else f"{number:.2f}"


def _bound(row: Row) -> str:
    bounds = []
    if row.wanted is not None:
        bounds.append(f"≥ {row.wanted:g} times as fast")
    if row.at_most is not None:
        bounds.append(f"≤ {row.at_most:g} times as long")
    if row.limit is not None:
        bounds.append(f"≤ {_seconds(row.limit)}")
    if row.most_memory is not None:
        bounds.append(f"≤ {_memory(row.most_memory)}")
    return ", ".join(bounds) or "–"


def footnotes(notes: Sequence[str], rounds: int) -> str:
    """How everything was measured, and what the marks mean."""
    lines = [
        f"Whole processes in turns, the best of {min(rounds, 2)} runs or more; memory is that of the largest "
        "single process."
    ]
    lines += [f"[{number}] {note}." for number, note in enumerate(notes, start=1)]
    return "  \n".join(lines)


def _seconds(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1000:.0f} ms"


def _memory(size: float) -> str:
    return f"{size / 2**20:.0f} MiB" if size else "–"
