"""Errors as text: what is the same for many files is said once, and rare causes come last."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from fluxsecrets.errors import DataKeyError, FluxsecretsError
from fluxsecrets.namedtuples import NamedTuple
from fluxsecrets.shell import with_file

from .alike import LIKE_IT, few, shape
from .text import counted, printable

_FEW_PATHS = 3


class SimilarErrors(NamedTuple):
    """The same error, once or for many files; a path is listed once.

    Attributes:
        left: how many errors of the same kind, each with words of its own, are not shown.
    """

    error: FluxsecretsError
    times: int = 1
    paths: tuple[str, ...] = ()
    left: int = 0


def error_lines(similar: SimilarErrors, names: Mapping[str, str] = MappingProxyType({})) -> list[str]:
    """An error as lines: what is wrong and where, details, and what to do next.

    `names` are recipient -> name, shown behind the keys that were tried.
    """
    error = similar.error
    place = f"{error.place}: " if error.place else ""
    also = ""
    many = len(similar.paths) > 1
    if many:
        place = f"{len(similar.paths)} files: "
    elif similar.times > 1:
        also = f" ({counted(similar.times, 'file')} failed because of this)"
    lines = [f"error: {place}{error.message}{also}"]
    if many:
        lines.append(f"  in {few_paths(similar.paths)}")
    tried = error.tried if isinstance(error, DataKeyError) and names else None
    lines += [f"  {detail}" for detail in (error.details if tried is None else tried.lines(names))]
    if error.hint:
        lines.append(f"  hint: {error.hint if many else with_file(error.hint, error.path)}")
    if similar.left:
        lines.append(f"error: {similar.left} {LIKE_IT}")
    return [printable(line) for line in lines]


def few_paths(paths: Sequence[str]) -> str:
    """Such as `a.yaml, b.yaml, c.yaml and 2 more`."""
    more = len(paths) - _FEW_PATHS
    return f"{', '.join(paths[:_FEW_PATHS])}{f' and {more} more' if more > 0 else ''}"


def similar_errors(errors: Sequence[FluxsecretsError]) -> list[SimilarErrors]:
    """Errors, those that are the same said once: of one place, or of many files as a whole.

    The rarest come last, next to the summary and the prompt, so that many files never bury one.
    """
    found: dict[tuple[object, ...], list[FluxsecretsError]] = {}
    for error in errors:
        found.setdefault(_same(error), []).append(error)
    groups = [_group(same) for same in found.values()]
    kinds = [_kind(group.error) for group in groups]
    chosen = few(kinds)
    weight = _weights(zip(kinds, groups, strict=True))
    shown = sorted(chosen.shown, key=lambda at: -weight[kinds[at]])
    return [groups[at]._replace(left=chosen.left.get(at, 0)) for at in shown]


def shares_cause(errors: Sequence[FluxsecretsError | None]) -> list[bool]:
    """Whether each error, if it is one, is said together with so many others that rows add nothing."""
    chosen = few([at if error is None else _kind(error) for at, error in enumerate(errors)])
    shown = frozenset(chosen.shown)
    return [at not in shown for at in range(len(errors))]


def _same(error: FluxsecretsError) -> tuple[object, ...]:
    place = error.place if error.line is not None else None
    return (place, error.message, error.details, error.hint)


def _kind(error: FluxsecretsError) -> tuple[object, ...]:
    return (type(error), shape(error.message), shape(error.hint))


def _group(same: Sequence[FluxsecretsError]) -> SimilarErrors:
    paths = tuple(dict.fromkeys(each.path for each in same if each.path))
    return SimilarErrors(same[0], len(same), paths)


def _weights(groups: Iterable[tuple[tuple[object, ...], SimilarErrors]]) -> dict[tuple[object, ...], int]:
    found: dict[tuple[object, ...], int] = {}
    for kind, group in groups:
        found[kind] = found.get(kind, 0) + group.times
    return found
