"""Extract all that `scan` reports: one value that can't move doesn't stop the others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.ops.run.onefile import refuse_interrupted
from fluxsecrets.ops.run.session import Session
from fluxsecrets.repo.tree import open_tree
from fluxsecrets.shell import with_file

from .extract import Extractor
from .manifest import key_text
from .model import ExtractRequest, ExtractResult, Left
from .reported import Chosen, reported
from .surroundings import OfAll


def extract_all(session: Session, request: ExtractRequest) -> ExtractResult:
    """Move all values that `scan` reports and that can move; the others are in `left`.

    Raises:
        UsageError, GitError, ConfigError: the files are unclear, or the settings invalid.
        FileAccessError: a file was changed meanwhile, or can't be written; all stay as they are.
    """
    tree = open_tree(session.cwd / request.path, limits=session.limits)
    refuse_interrupted((tree.root / "-",))
    found = reported(session, request, tree)
    surroundings = OfAll(tree)
    selection = _Selection(lambda: Extractor(session, request, tree, surroundings))
    selection.take([each for chosen in found.chosen for each in selection.possible(chosen)])
    left = sorted((*found.left, *selection.left), key=lambda each: (each.path, each.line, each.key))
    return replace(selection.run.finish(), left=tuple(left))


class _Selection:
    """The values that move together."""

    def __init__(self, start: Callable[[], Extractor]) -> None:
        """Take what makes a run with nothing in it."""
        self._start = start
        self._taken: tuple[Chosen, ...] = ()
        self.left: list[Left] = []
        self.run = start()

    def possible(self, chosen: Chosen) -> Iterator[Chosen]:
        """Yield the values of an object, each alone, that can move as long as others don't matter."""
        if len(chosen.values) == 1 or self._problem(chosen) is None:
            yield from chosen.each()
            return
        for one in chosen.each():
            problem = self._problem(one)
            if problem is None:
                yield one
            else:
                self._leave(one, problem)

    def take(self, chosen: Sequence[Chosen]) -> None:
        """Add values. If Flux would apply something else with all of them, halves of them are tried."""
        if not chosen:
            return
        run, together = self._start(), _joined((*self._taken, *chosen))
        try:
            for each in together:
                run.add_paths(each.path, each.at, each.paths)
            run.prove()
        except FluxsecretsError as error:
            if len(chosen) == 1:
                self._leave(chosen[0], error)
                return
            middle = len(chosen) // 2
            self.take(chosen[:middle])
            self.take(chosen[middle:])
        else:
            self.run, self._taken = run, together

    def _problem(self, chosen: Chosen) -> FluxsecretsError | None:
        try:
            self._start().add_paths(chosen.path, chosen.at, chosen.paths)
        except FluxsecretsError as error:
            return error
        return None

    def _leave(self, chosen: Chosen, error: FluxsecretsError) -> None:
        shown = self.run.shown(chosen.path)
        hint = "" if error.hint is None else f"; {with_file(error.hint, error.path or shown)}"
        reason = f"{error.message}{hint}"
        self.left += [Left(shown, key_text(path), line, reason) for path, line in chosen.values]


def _joined(chosen: Iterable[Chosen]) -> tuple[Chosen, ...]:
    """Return one entry per object, with all of its values."""
    found: dict[tuple[str, int], Chosen] = {}
    for each in chosen:
        known = found.get((each.path, each.at))
        values = each.values if known is None else (*known.values, *each.values)
        found[each.path, each.at] = replace(each, values=values)
    return tuple(found.values())
