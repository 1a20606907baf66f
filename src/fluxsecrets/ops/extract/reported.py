"""The values that `scan` reports, as values that can be extracted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.findings import Finding
from fluxsecrets.ops.checks.scan import scan
from fluxsecrets.ops.checks.scanmodel import ScanRequest
from fluxsecrets.ops.run.session import Session
from fluxsecrets.repo.tree import Tree
from fluxsecrets.shell import command_for, with_file
from fluxsecrets.sops.document import Document, Leaf, Path, leaves_of

from .manifest import Holder, ManifestFile, key_text, outermost, read_manifest
from .model import ExtractRequest, Left

_WHOLE = frozenset({"plain-secret", "plain-secret-file"})
"""Rules about files that are encrypted as they are."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """Values of one object.

    Attributes:
        path: of the file, relative to the root.
        at: the position of the object among the holders of the file.
        values: the paths below the object, with their lines; none inside another one.
    """

    path: str
    at: int
    values: tuple[tuple[Path, int], ...]

    @property
    def paths(self) -> tuple[Path, ...]:
        """The paths of the values."""
        return tuple(path for path, _ in self.values)

    def each(self) -> Iterator[Chosen]:
        """Yield the values one by one."""
        return (replace(self, values=(value,)) for value in self.values)


@dataclass(frozen=True, slots=True)
class Reported:
    """What `scan` reports.

    Attributes:
        chosen: what may be extracted.
        left: what can't be, with the reasons.
    """

    chosen: tuple[Chosen, ...]
    left: tuple[Left, ...]


def reported(session: Session, request: ExtractRequest, tree: Tree) -> Reported:
    """Scan, and return the findings as values.

    Raises:
        UsageError, GitError, ConfigError: see `scan`.
    """
    paths = (request.path, *request.keys) if request.path else ()
    found = scan(
        ScanRequest(session.cwd, paths=paths, environment=request.environment, repository=tree.repository)
    )
    collected = _Collected(session, tree)
    root = tree.root.resolve()
    for path, findings in groupby(found.findings, key=lambda each: each.location.path):
        place = found.root.resolve() / path
        if place.is_relative_to(root):
            collected.add(place.relative_to(root).as_posix(), tuple(findings))
        else:
            foreign = "it is in another repository: run the command there"
            collected.left.extend(_left(path, each, each.rule, foreign) for each in findings)
    for error in found.errors:
        collected.left.append(Left(error.path or "", "", error.line or 0, error.message))
    return Reported(tuple(collected.chosen), tuple(collected.left))


@dataclass(frozen=True)
class _Collected:
    """The findings so far."""

    session: Session
    tree: Tree
    chosen: list[Chosen] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)

    def add(self, path: str, findings: Sequence[Finding]) -> None:
        shown = self.session.shown(self.tree.root / path)
        whole = [each for each in findings if each.rule in _WHOLE]
        if whole:
            reason = f"encrypt the file: `{command_for('encrypt', (shown,))}`"
            self.left.append(_left(shown, whole[0], whole[0].rule, reason))
            findings = [each for each in findings if each.rule not in _WHOLE]
        try:
            file = read_manifest(self.tree.read(path), self.tree.limits, path)
        except FluxsecretsError:
            self.left.extend(_left(shown, each, each.rule, with_file(each.hint, shown)) for each in findings)
            return
        values: dict[int, dict[Path, int]] = {}
        for each in findings:
            place = _place(file, each)
            if isinstance(place, str):
                self.left.append(_left(shown, each, _key(file, each), place))
            else:
                at, where = place
                values.setdefault(at, {})[where] = each.location.line or 0
        for at, lines in values.items():
            self.chosen.append(Chosen(path, at, tuple((key, lines[key]) for key in outermost(lines))))


def _left(shown: str, finding: Finding, key: str, reason: str) -> Left:
    return Left(shown, key, finding.location.line or 0, reason)


def _place(file: ManifestFile, finding: Finding) -> tuple[int, Path] | str:
    """Return an object's position and the value's path below it, or why the value can't be extracted."""
    found = _leaf(file.document, finding)
    if found is None:
        return finding.hint
    part, leaf = found
    for at, holder in enumerate(file.holders):
        below = _below(holder, part, leaf)
        if below is None:
            continue
        if any(each.path == below for each in holder.place.literals(holder.node)):
            return at, below
        return f"a reference can't replace it in {holder.shown}"
    return finding.hint


def _below(holder: Holder, part: int, leaf: Leaf) -> Path | None:
    """Return a value's path below an object, or None if it is not in it."""
    inside = holder.part == part and leaf.path[: len(holder.base)] == holder.base
    return leaf.path[len(holder.base) :] if inside else None


def _key(file: ManifestFile, finding: Finding) -> str:
    found = _leaf(file.document, finding)
    return finding.rule if found is None else key_text(found[1].path)


def _leaf(document: Document, finding: Finding) -> tuple[int, Leaf] | None:
    """Return the value at the place of a finding, with the number of its YAML document."""
    offset = _offset(document.source, finding.location.line or 0, finding.location.column or 1)
    return next(
        (
            (number, leaf)
            for number, leaf in _leaves(document)
            if leaf.start <= offset < max(leaf.end, leaf.start + 1) and not leaf.alias
        ),
        None,
    )


def _leaves(document: Document) -> Iterator[tuple[int, Leaf]]:
    for number, part in enumerate(document.parts):
        yield from ((number, leaf) for leaf in leaves_of(part))


def _offset(source: str, line: int, column: int) -> int:
    """Return the offset of a place; lines end at LF only, as in findings."""
    start = 0
    for _ in range(line - 1):
        start = source.find("\n", start) + 1
    return start + column - 1
