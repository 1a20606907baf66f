"""The result of an audit as text and JSON; docs/schema/audit.schema.json describes the latter."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import TYPE_CHECKING

from .findings_json import allowed_data, finding_data, remark_data, summary_data
from .json import VERSION, dump
from .text import Cell, Row, printable

if TYPE_CHECKING:
    from fluxsecrets.findings import Finding
    from fluxsecrets.ops.checks.audit import AuditResult
    from fluxsecrets.ops.checks.matrix import Matrix
    from fluxsecrets.repo.tree import Note

_SEVERITIES = ("critical", "high", "medium", "low")
_NOTES_SHOWN = 5


def audit_json(result: AuditResult) -> str:
    """The result of an audit."""
    return dump(
        {
            "version": VERSION,
            "command": "audit",
            "findings": [finding_data(finding) for finding in result.findings],
            "known": [finding_data(finding) for finding in result.known],
            "allowed": [allowed_data(item) for item in result.allowed],
            "remarks": [remark_data(remark) for remark in result.remarks],
            "gone": [
                {"fingerprint": entry.fingerprint, "rule": entry.rule, "path": entry.path}
                for entry in result.gone
            ],
            "notes": [note_data(note) for note in result.notes],
            "without_keys": list(result.without_keys),
            "summary": {
                **summary_data(result.findings, result.files),
                "encrypted": result.encrypted,
                "opened": result.opened,
                "fails": result.fails,
            },
        }
    )


def matrix_rows(found: Matrix) -> list[Row]:
    """A row for each recipient, a column for each environment; first what the columns are."""
    rows: list[Row] = [tuple(Cell(printable(text), "bold") for text in ("", *found.environments))]
    for person in found.people:
        if not any(person.files.values()):
            continue
        cells = [_of(person.files[name], found.encrypted[name]) for name in found.environments]
        rows.append((Cell(printable(person.name)), *cells))
    if any(found.plain.values()):
        plain = [
            Cell(str(len(found.plain[name])) if found.plain[name] else "-") for name in found.environments
        ]
        rows.append((Cell("everybody, in plain text", "red"), *plain))
    return rows


def matrix_notes(found: Matrix) -> Iterator[str]:
    """What the rows do not say: who reads by an old data key, and of whom that cannot be told."""
    for person in found.people:
        if person.by_data_key:
            yield (
                f"{printable(person.name)} is not a recipient of {_files(person.by_data_key)} any more, "
                "and knows the data key all the same: `fluxsecrets rotate PATH` replaces it"
            )
    doubtful = [person for person in found.people if person.doubtful]
    if doubtful:
        names = ", ".join(printable(person.name) for person in doubtful)
        files = _files({path for person in doubtful for path in person.doubtful})
        yield (
            f"cannot tell whether {names} can still read {files}: "
            "none of your identities opens both that and the versions that were for them"
        )


def _files(paths: Collection[str]) -> str:
    return printable(next(iter(paths))) if len(paths) == 1 else f"{len(paths)} files"


def matrix_json(found: Matrix) -> str:
    """Who can read what, with the files."""
    return dump(
        {
            "version": VERSION,
            "command": "audit --who",
            "environments": list(found.environments),
            "encrypted": {name: list(paths) for name, paths in found.encrypted.items()},
            "plain": {name: list(paths) for name, paths in found.plain.items()},
            "people": [
                {
                    "name": person.name,
                    "kind": person.kind,
                    "recipient": person.recipient,
                    "files": {name: list(paths) for name, paths in person.files.items()},
                    "by_data_key": list(person.by_data_key),
                    "cannot_tell": list(person.doubtful),
                }
                for person in found.people
            ],
        }
    )


def _of(files: Sequence[str], all_: Sequence[str]) -> Cell:
    if not files:
        return Cell("-")
    return Cell("all" if len(files) == len(all_) else f"{len(files)} of {len(all_)}")


def note_data(note: Note) -> dict[str, object]:
    """Something that was not followed."""
    return {"path": note.path, "line": note.line, "message": note.message}


def worst_first(findings: Sequence[Finding]) -> list[Finding]:
    """Findings with the files together, those with the worst first, and in a file the worst first."""
    worst: dict[str, int] = {}
    for finding in findings:
        path = finding.location.path
        worst[path] = max(worst.get(path, 0), finding.severity)
    return sorted(
        findings,
        key=lambda item: (
            -worst[item.location.path],
            item.location.path,
            -item.severity,
            item.location.line or 0,
            item.rule,
        ),
    )


def note_lines(notes: Sequence[Note], show_path: Callable[[str], str] = str) -> list[str]:
    """What was not followed, the first few of it."""
    lines = [
        f"note: {show_path(note.path)}{f':{note.line}' if note.line else ''}: {note.message}"
        for note in notes[:_NOTES_SHOWN]
    ]
    if len(notes) > _NOTES_SHOWN:
        lines.append(f"note: {len(notes) - _NOTES_SHOWN} more like these: see them with --format json")
    return lines


def summary_lines(result: AuditResult, show_path: Callable[[str], str] = str) -> list[str]:
    """What an audit comes to, in a line or three."""
    lines = []
    if result.written is not None and result.baseline is not None:
        shown = result.baseline
        name = (
            show_path(shown.relative_to(result.root).as_posix())
            if shown.is_relative_to(result.root)
            else str(shown)
        )
        lines.append(
            f"{name}: {_count(result.written, 'finding')} written; commit it, and take them off one by one"
        )
    closed = result.encrypted - result.opened
    if closed:
        why = "no identity at hand opens them" if result.with_keys else "--no-keys"
        lines.append(f"the values in {_count(closed, 'encrypted file')} were not looked at: {why}")
    lines.append(f"{_found(result.findings)}; {_count(result.files, 'secret file')} judged{_extra(result)}")
    return lines


def _found(findings: Sequence[Finding]) -> str:
    if not findings:
        return "nothing found"
    counts = Counter(str(finding.severity) for finding in findings)
    parts = ", ".join(f"{counts[name]} {name}" for name in _SEVERITIES if counts[name])
    files = len({finding.location.path for finding in findings})
    return f"{_count(len(findings), 'finding')} in {_count(files, 'file')}: {parts}"


def _extra(result: AuditResult) -> str:
    extra = []
    if result.known and result.written is None:
        extra.append(f"{len(result.known)} more known to the baseline")
    if result.allowed:
        extra.append(f"{len(result.allowed)} allowed")
    if result.gone:
        extra.append(f"{len(result.gone)} of the baseline gone: --update-baseline takes them off")
    return f" ({'; '.join(extra)})" if extra else ""


def _count(number: int, one: str) -> str:
    return f"{number} {one}{'' if number == 1 else 's'}"
