"""What Flux would do with the files of an environment, as rows and as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import asdict

from fluxsecrets.ops.verify import Verdict, Verification, Verified

from .audit import note_data
from .json import VERSION, dump
from .text import Cell, Row, printable

_STYLES = {
    Verdict.DECRYPTED: "green",
    Verdict.PLAIN: "red",
    Verdict.CIPHERTEXT: "red",
    Verdict.FAILS: "red",
}


def verified_rows(
    found: Verification, show_path: Callable[[str], str] = str, *, everything: bool = False
) -> list[Row]:
    """A row for each file or object: place, what it is, what becomes of it, by which key, what is wrong.

    Args:
        found: what was verified.
        show_path: a path as the user would name it.
        everything: what is applied as it is, too.
    """
    return [
        _row(item, show_path)
        for item in found.items
        if everything or item.problem is not None or item.verdict is not Verdict.APPLIED
    ]


def summary_line(found: Verification) -> str:
    """Such as `staging: 10 decrypted, 1 sealed, 40 applied; nothing is wrong`."""
    counts = Counter(item.verdict for item in found.items)
    parts = [f"{counts[verdict]} {verdict}" for verdict in Verdict if counts[verdict]]
    wrong = len(found.wrong)
    end = "nothing is wrong" if not wrong else f"{wrong} {'is' if wrong == 1 else 'are'} not as wanted"
    return f"{found.environment}: {', '.join(parts) or 'nothing is applied'}; {end}"


def verification_json(found: Verification) -> str:
    """All of it for programs."""
    return dump(
        {
            "version": VERSION,
            "command": "verify",
            "environment": found.environment,
            "items": [asdict(item) for item in found.items],
            "notes": [note_data(note) for note in found.notes],
            "summary": {
                **dict(sorted(Counter(str(item.verdict) for item in found.items).items())),
                "wrong": len(found.wrong),
            },
        }
    )


def _row(item: Verified, show_path: Callable[[str], str]) -> Row:
    place = show_path(item.path) if item.line is None else f"{show_path(item.path)}:{item.line}"
    what = f"{item.kind} {item.namespace}/{item.name}" if item.namespace else f"{item.kind} {item.name}"
    how = f"as {item.format}" if item.format else ""
    keys = f"{'with ' if item.keys else ''}{', '.join(item.keys)}"
    more = item.problem or item.note or ("variables are replaced" if item.substituted else "")
    wrong = item.problem is not None
    return (
        Cell(printable(place)),
        Cell(printable(what.strip() or "patch")),
        Cell(str(item.verdict), "red" if wrong else _STYLES.get(item.verdict, "")),
        Cell(printable(f"{how} {keys}".strip())),
        Cell(printable(more), "red" if wrong else ""),
    )
