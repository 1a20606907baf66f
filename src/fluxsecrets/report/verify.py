"""What Flux would do with the files of an environment, in each format of output."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict

from fluxsecrets.flux.model import KustomizationVerdict
from fluxsecrets.ops.checks.verify import Verdict, Verification, Verified

from .findings_json import note_data
from .findings_text import note_lines
from .json import page
from .page import Note, Page, Table, Warn
from .text import Cell, Row, path_shower, printable

_STYLES = {
    Verdict.DECRYPTED: "green",
    Verdict.PLAIN: "red",
    Verdict.CIPHERTEXT: "red",
    Verdict.CANNOT_TELL: "yellow",
    Verdict.FAILS: "red",
}


def _text_page(found: Verification, everything: bool) -> Page:
    show_path = path_shower(found.root)
    yield Table(_rows(found, show_path, everything=everything))
    for line in note_lines(found.notes, show_path):
        yield Note(line)
    for line in _hints(found):
        yield Warn(line)
    yield Note(_summary(found))


def _json_page(found: Verification, everything: bool) -> Page:
    verdicts = dict(sorted(Counter(str(item.verdict) for item in found.items).items()))
    return page(
        "verify",
        {
            "environment": found.environment,
            "kustomizations": [_kustomization(each) for each in found.kustomizations],
            "items": [asdict(item) for item in found.items],
            "notes": [note_data(note) for note in found.notes],
            "no_cluster_key": None if found.no_cluster_key is None else asdict(found.no_cluster_key),
            "summary": {**verdicts, "wrong": len(found.wrong)},
        },
    )


def _kustomization(each: KustomizationVerdict) -> dict[str, object]:
    item, decisive = each.applied.kustomization, each.decisive
    return {
        "name": item.name if item is not None else None,
        "namespace": item.namespace if item is not None else None,
        "path": each.applied.folder if item is None else item.path,
        "file": item.file if item is not None else None,
        "line": item.line if item is not None else None,
        "verdict": str(each.verdict),
        "reason": decisive.reason if decisive is not None else None,
        "outcomes": [asdict(outcome) for outcome in each.outcomes],
    }


FORMATS: Mapping[str, Callable[[Verification, bool], Page]] = {"text": _text_page, "json": _json_page}
"""Renderers, which also take whether text lists what is applied as it is."""

_COUNTED = {Verdict.CANNOT_TELL: "cannot be told"}


def _rows(found: Verification, show_path: Callable[[str], str], *, everything: bool) -> list[Row]:
    """A row per file or object: place, what it is, what becomes of it, by which key, what is wrong."""
    return [
        _row(item, show_path)
        for item in found.items
        if everything or item.problem is not None or item.verdict is not Verdict.APPLIED
    ]


def _hints(found: Verification) -> Iterator[str]:
    """What to do where nothing says which key the cluster has."""
    unknown, name = found.no_cluster_key, found.environment
    if unknown is None:
        return
    files = "1 file" if unknown.files == 1 else f"{unknown.files} files"
    yield f"cannot tell whether the cluster of {name} can read {files}: nothing says which key it has"
    people = printable(", ".join(unknown.recipients))
    one_of = "one of " if len(unknown.recipients) > 1 else ""
    yield (
        f"  if it has the key of {one_of}{people}: name that public key under environments.{name}."
        "cluster_recipients in .fluxsecrets.yaml"
    )
    new = f"cluster-{name}"
    steps = [f"`fluxsecrets keys generate {new}`", f"`fluxsecrets recipients add {new} --env {name}`"]
    if unknown.shared_rules:
        places = printable(", ".join(unknown.shared_rules))
        verb = "is" if len(unknown.shared_rules) == 1 else "are"
        steps.insert(0, f"give these files rules of their own ({places} {verb} for other files, too)")
    yield f"  if it has none: {', '.join(steps)}, then bring its key there:"
    yield f"    fluxsecrets keys cluster-secret --env {name} | kubectl apply -f -"


def _summary(found: Verification) -> str:
    """Such as `staging: 10 decrypted, 1 sealed, 40 applied; nothing is wrong`."""
    counts = Counter(item.verdict for item in found.items)
    parts = [f"{counts[verdict]} {_COUNTED.get(verdict, verdict)}" for verdict in Verdict if counts[verdict]]
    wrong = sum(item.verdict is not Verdict.CANNOT_TELL for item in found.wrong)
    end = "nothing is wrong" if not wrong else f"{wrong} {'is' if wrong == 1 else 'are'} not as wanted"
    if not wrong and found.wrong:
        end = "nothing else is wrong"
    return f"{found.environment}: {', '.join(parts) or 'nothing is applied'}; {end}"


def _row(item: Verified, show_path: Callable[[str], str]) -> Row:
    place = show_path(item.path) if item.line is None else f"{show_path(item.path)}:{item.line}"
    what = f"{item.kind} {item.namespace}/{item.name}" if item.namespace else f"{item.kind} {item.name}"
    # Of an object Flux tells the format itself; of a file that a generator reads, its name does.
    how = f"as {item.format}" if item.format and item.line is None else ""
    if item.verdict is Verdict.DECRYPTED:
        how = f"by Flux {how}".strip()
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
