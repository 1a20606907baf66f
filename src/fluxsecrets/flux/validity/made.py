"""Secrets that a controller makes of an object, such as of a SealedSecret."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from fluxsecrets.flux.unknown import UNKNOWN
from fluxsecrets.repo.manifests import Plain, Steps

from .content import check_base64, check_keys, check_size, check_type
from .metadata import check_annotations, check_labels
from .problem import Problem, Subject
from .shapes import check_shape

_CHECKS = (check_shape, check_base64, check_labels, check_annotations, check_keys, check_type, check_size)
_TEMPLATE = "{{"


def made_secret(
    *,
    type_: object,
    immutable: object,
    metadata: object,
    keys: Iterable[str],
    templates: Mapping[str, object],
) -> Plain:
    """A Secret as a controller makes it.

    Args:
        type_: as its template has it.
        immutable: likewise.
        metadata: likewise.
        keys: of the values that only the controller knows.
        templates: texts that it renders, by key.
    """
    values = {key: _rendered(text) for key, text in templates.items()}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": metadata if isinstance(metadata, dict) else {},
        "type": _rendered(type_),
        "immutable": immutable,
        "stringData": {**dict.fromkeys(keys, UNKNOWN), **values},
    }


def check_made(
    data: Plain, place_of: Callable[[Steps], Steps], *, complete: bool = True
) -> Iterator[Problem]:
    """What the API server would refuse of it: the object is applied, and the Secret is not made.

    Args:
        data: see `made_secret`.
        place_of: where in the object a place of the Secret comes from.
        complete: it has no other keys.
    """
    for check in _CHECKS:
        for problem in check(Subject(data, data, complete=complete)):
            if not problem.dropped:
                yield Problem(
                    "secret-not-made",
                    place_of(problem.steps),
                    f"its controller can't make the Secret: {problem.reason}",
                    problem.hint,
                    dropped=True,
                )


def _rendered(value: object) -> object:
    """A text as it is if it holds no template."""
    return UNKNOWN if isinstance(value, str) and _TEMPLATE in value else value
