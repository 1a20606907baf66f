"""`postBuild` substitution of one object.

Follows `SubstituteVariables` and `varSubstitution` of fluxcd/pkg's kustomize/kustomize_varsub.go: the object
is written as YAML, variables are replaced in this text, and the text is read as an object again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from fluxsecrets.errors import FormatError, LimitError
from fluxsecrets.records import dataclass, field
from fluxsecrets.sops.values import Timestamp

from .envsubst import calls, evaluate, has_default, parse
from .goyaml import emit, read
from .manifests import Plain, Steps, dig
from .objects import Object, with_data
from .unknown import SIGN, UNKNOWN, Unknown, is_unknown, unknown, unknown_kind

DISABLED: Final = "kustomize.toolkit.fluxcd.io/substitute"
"""Annotation or label that, with the value `disabled`, keeps an object as it is."""

_EXACT = 2**53  # from here on, JSON's numbers lose digits in Go

_TYPED = "\ue0a2"
_CHANGES = re.compile("\\$[${]|[\x7f-\x9f\ufffe\uffff]")
"""What substitution acts on, and what a detour through JSON and YAML would change."""


@dataclass(frozen=True, slots=True)
class Substitution:
    """What becomes of an object. The data holds secrets: not in the repr.

    Attributes:
        data: as it is then; as it was where that fails or is not known.
        missing: the variables that have no value and no default, in order. In strict mode Flux stops at the
            first; otherwise each is replaced by nothing. A name may be a part of a Secret's value.
        failure: what Flux says where it stops, or "". It has no values in it.
        unknown: why that cannot be told, or "".
    """

    data: Plain = field(repr=False, compare=False)
    missing: tuple[str, ...] = field(default=(), repr=False)
    failure: str = ""
    unknown: str = ""


def is_disabled(data: Plain) -> bool:
    """Whether a label or an annotation keeps an object as it is."""
    metadata = dig(data, "metadata")
    return any(dig(metadata, kind, DISABLED) == "disabled" for kind in ("labels", "annotations"))


def substitute(data: Plain, values: Mapping[str, str]) -> Substitution:
    """An object with its variables replaced.

    Args:
        data: the object, in which values that are not known are `UNKNOWN`.
        values: of the variables, without line breaks; those that are not known are `UNKNOWN`.
    """
    if not any(_matters(scalar) for _, scalar in places(data)):
        return Substitution(data)
    hidden = {name: SIGN if is_unknown(value) else value for name, value in values.items()}
    missing: tuple[str, ...] = ()
    stage = ""
    try:
        text = emit(_with(data, hide=True))
        stage = "envsubst error: variable substitution failed: "
        found = evaluate(parse(text), hidden, SIGN)
        missing = found.missing
        if not found.failure:
            stage = "envsubst error: YAMLToJSON: "
            return Substitution(_as_map(_with(read(found.text), hide=False)), missing)
        message = found.failure
    except FormatError as error:
        message = error.message
    except LimitError as error:
        return Substitution(data, unknown=error.message)
    return Substitution(data, missing, f"{stage}{message}")


def substitute_known(item: Object, values: Mapping[str, str]) -> Object:
    """An object with those variables replaced whose values are known; others stay as they are written.

    Where Flux would stop, the object stays as it is.
    """
    if is_disabled(item.data):
        return item
    texts = [text for _, text in places(item.data) if isinstance(text, str) and "${" in text]
    wanted = {name for text in texts for name in variables_in(text)}
    known = {name: value for name, value in values.items() if not is_unknown(value)}
    kept = {name: f"${{{name}}}" for name in wanted if name not in known}
    found = substitute(item.data, {**known, **kept})
    return item if found.data is item.data else with_data(item, found.data)


def substitute_text(text: str, values: Mapping[str, str]) -> str | None:
    """A text by itself with its variables replaced, or by nothing; None where Flux stops."""
    try:
        found = evaluate(parse(text), values)
    except (FormatError, LimitError):
        return None
    return None if found.failure else found.text


def variables_in(text: str) -> list[str]:
    """The variables that a text needs, those without a default; [] for a text at which Flux stops."""
    try:
        nodes = parse(text)
    except (FormatError, LimitError):
        return []
    return [call.variable for call in calls(nodes) if not has_default(call)]


def places(data: Any, steps: Steps = ()) -> Iterator[tuple[Steps, Any]]:
    """Every scalar of an object and every key of a map, with its place, in the order of its text."""
    waiting: list[tuple[Steps, Any]] = [(steps, data)]
    while waiting:
        here, found = waiting.pop()
        if isinstance(found, dict):
            for key in found:
                yield (*here, key), key
            waiting += [((*here, key), found[key]) for key in sorted(found, reverse=True)]
        elif isinstance(found, list):
            waiting += reversed([((*here, index), value) for index, value in enumerate(found)])
        else:
            yield here, found


def _as_map(data: Any) -> Plain:
    if not isinstance(data, dict):
        raise FormatError("json: cannot unmarshal it into a map")
    return data


def _matters(scalar: Any) -> bool:
    if isinstance(scalar, str):
        return not is_unknown(scalar) and (scalar == "<<" or _CHANGES.search(scalar) is not None)
    if isinstance(scalar, int | float):
        return abs(scalar) > _EXACT or scalar != scalar  # noqa: PLR0124 - NaN
    return isinstance(scalar, Timestamp | bytes)


def _with(data: Any, *, hide: bool) -> Any:
    """The data with a text in the place of what is not known, or the other way round.

    The text is the sign itself with the type behind it, so that the type is known again.
    """
    if isinstance(data, dict):
        return {_with(key, hide=hide): _with(value, hide=hide) for key, value in data.items()}
    if isinstance(data, list):
        return [_with(item, hide=hide) for item in data]
    if not is_unknown(data):
        return data
    if hide:
        return f"{data}{_TYPED}{unknown_kind(data)}" if isinstance(data, Unknown) else str(data)
    head, _, kind = data.partition(_TYPED)
    return unknown(kind) if head == SIGN else UNKNOWN
