"""Find the manifests for a command: Secrets, SealedSecrets or ExternalSecrets."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from fluxsecrets.errors import FileAccessError, FluxsecretsError, UsageError
from fluxsecrets.files.links import resolve_inside
from fluxsecrets.marks import MANIFEST_SUFFIXES
from fluxsecrets.ops.run.inputs import NAMED, Target
from fluxsecrets.ops.run.results import FileResult, Outcome
from fluxsecrets.ops.run.session import Session
from fluxsecrets.repo.manifests import searchable
from fluxsecrets.repo.tree import Tree, make_tree, open_tree
from fluxsecrets.sops.formats import format_for_path

from .meant import require_one_way

SEALED = re.compile(rb"\bSealedSecret\b")
ANY_KIND = re.compile(rb"\b(?:Sealed|External|ClusterExternal)?Secret\b")


@dataclass(frozen=True, slots=True)
class ManifestFiles:
    """The files that were found.

    Attributes:
        paths: relative to its root with `/`, sorted, each once.
        named: those that the user named directly.
        failed: results for named files that are missing or must not be touched.
    """

    tree: Tree
    paths: tuple[str, ...]
    named: frozenset[str]
    environment: str | None = None
    notes: tuple[str, ...] = ()
    failed: tuple[FileResult, ...] = ()

    def targets(self, session: Session) -> tuple[Target, ...]:
        """The files as targets, in the order of the paths."""
        root, repository = self.tree.root.resolve(), self.tree.repository
        return tuple(
            Target(
                root / path,
                session.shown(self.tree.root / path),
                format_for_path(path),
                repository=repository,
                repository_path=path if repository is not None else None,
                reason=NAMED if path in self.named else "found in a folder, or an environment",
            )
            for path in self.paths
        )


def find_manifests(
    session: Session,
    paths: Sequence[str],
    environment: str | None,
    pattern: re.Pattern[bytes],
    *,
    everything: bool = False,
) -> ManifestFiles:
    """Find the manifests that a command line selects.

    A file that was found must contain `pattern`. Named files are checked elsewhere.

    Raises:
        UsageError: nothing was named, or in several ways.
        ConfigError: the environment does not exist.
    """
    require_one_way(paths, environment, everything=everything)
    tree = open_tree(session.cwd / paths[0] if paths else session.cwd, limits=session.limits)
    if environment is not None:
        from fluxsecrets.repo.environments import (
            find_environment,
        )  # start-up time: few runs need all of Flux's rules

        found = find_environment(tree, environment)
        notes = tuple(
            f"{session.shown(tree.root / note.path)}{f':{note.line}' if note.line else ''}: {note.message}"
            for note in found.notes
        )
        chosen = tuple(sorted(found.files & tree.files))
        return ManifestFiles(tree, _holding(tree, chosen, pattern), frozenset(), environment, notes)
    if everything:
        return ManifestFiles(tree, _holding(tree, tree.paths, pattern), frozenset())
    named: set[str] = set()
    below: set[str] = set()
    failed: list[FileResult] = []
    for text in paths:
        try:
            inside = _inside(session, tree, text)
        except FileAccessError as error:
            failed.append(FileResult(text, Outcome.FAILED, error=error))
            continue
        if (tree.root / inside).is_dir():
            below.update(_holding(tree, tree.below(inside), pattern))
        else:
            named.add(inside)
    missing = named - tree.files  # git ignores or does not list it, but the user named it
    if missing:
        tree = make_tree(
            tree.root, sorted({*tree.paths, *missing}), repository=tree.repository, limits=tree.limits
        )
    return ManifestFiles(tree, tuple(sorted(named | below)), frozenset(named), failed=tuple(failed))


def _inside(session: Session, tree: Tree, text: str) -> str:
    if not text:
        raise UsageError("a path is empty", hint="if it comes from a variable, that variable is not set")
    try:
        real = resolve_inside(session.cwd / text, tree.root)
        if not real.exists():
            raise FileAccessError("there is no such file", hint="check the spelling of the path")
    except FluxsecretsError as error:
        error.path = text
        raise
    root = Path(tree.root).resolve()
    inside = real.relative_to(root).as_posix() if real != root else ""
    return "" if inside == "." else inside


def _holding(tree: Tree, paths: Sequence[str], pattern: re.Pattern[bytes]) -> tuple[str, ...]:
    return tuple(_looked_at(tree, paths, pattern))


def _looked_at(tree: Tree, paths: Sequence[str], pattern: re.Pattern[bytes]) -> Iterator[str]:
    from fluxsecrets.repo.discover import is_chart_template

    for path in paths:
        if not path.lower().endswith(MANIFEST_SUFFIXES) or is_chart_template(tree, path):
            continue
        try:
            size = tree.size(path)
            if size and size <= tree.limits.size and pattern.search(searchable(tree.read(path))):
                yield path
        except FluxsecretsError:
            yield path  # the operation reads it again, and reports the error
