"""The values that helm-controller composes for a HelmRelease.

Follows fluxcd/pkg: chartutil/values.go and merge.go, and helm: pkg/strvals/parser.go. What Go shares between
two maps is shared here, too: only because of that does a `targetPath` win over a list that is inline.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, Final

from fluxsecrets.errors import FluxsecretsError, FormatError

from .goyaml.read import read
from .manifests import Plain, dig, maps, text

GROUP: Final = "helm.toolkit.fluxcd.io/"
DEFAULT_KEY: Final = "values.yaml"
_MOST_INDEX: Final = 65536
_MOST_LEVELS: Final = 30
_INT64: Final = range(-(2**63), 2**63)


@dataclass(frozen=True, slots=True)
class ValuesReference:
    """One entry of `spec.valuesFrom`.

    Attributes:
        kind: Secret or ConfigMap.
        key: in its data.
        target: the `targetPath`, or "".
        literal: the value is taken as it is; helm-controller 1.6 and newer.
    """

    kind: str
    name: str
    key: str
    target: str = ""
    literal: bool = False


def is_release(data: object) -> bool:
    """Whether an object is a HelmRelease of Flux."""
    return text(data, "kind") == "HelmRelease" and (text(data, "apiVersion") or "").startswith(GROUP)


Resolve = Callable[[ValuesReference], str | None]
"""What a reference reads, or None if it is unknown."""


@dataclass(frozen=True, slots=True)
class Composed:
    """The values of a release.

    Attributes:
        values: those that Helm gets. Not in the repr.
        unknown: the references whose content is not known here; they are left out.
    """

    values: Plain = field(repr=False)
    unknown: tuple[ValuesReference, ...] = ()


def references_of(release: Plain) -> tuple[ValuesReference, ...]:
    """Return the entries of `spec.valuesFrom`, in order."""
    return tuple(
        ValuesReference(
            text(item, "kind") or "",
            text(item, "name") or "",
            text(item, "valuesKey") or DEFAULT_KEY,
            text(item, "targetPath") or "",
            item.get("literal") is True,
        )
        for item in maps(release, "spec", "valuesFrom")
    )


def compose(release: Plain, resolve: Resolve) -> Composed:
    """Compose the values of a HelmRelease.

    Args:
        release: the HelmRelease as it is applied.
        resolve: what a reference reads.

    Raises:
        FormatError: helm-controller would refuse a reference. The message has no value.
    """
    inline = deepcopy(dig(release, "spec", "values"))
    values: Plain = inline if isinstance(inline, dict) else {}
    result: Plain = {}
    unknown: list[ValuesReference] = []
    for reference in references_of(release):
        content = resolve(reference)
        if content is None:
            unknown.append(reference)
        elif reference.target:
            result = _merged(result, values)
            _set_path(result, reference, content)
        else:
            result = _merged(result, _read(content, reference))
    return Composed(_merged(result, values), tuple(unknown))


def same_values(one: object, other: object) -> bool:
    """Whether Helm gets the same. All numbers that are written in YAML are floats there."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(
            same_values(value, other[key]) for key, value in one.items()
        )
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same_values, one, other))
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, int | float) and isinstance(other, int | float):
        return one == other or (one != one and other != other)  # noqa: PLR0124 - NaN is NaN
    return type(one) is type(other) and one == other


def _merged(one: Plain, other: Plain) -> Plain:
    """`MergeMaps`: maps are merged, all else is replaced; a map that only one side has is shared."""
    merged = dict(one)
    for key, value in other.items():
        own = merged.get(key)
        merged[key] = _merged(own, value) if isinstance(value, dict) and isinstance(own, dict) else value
    return merged


def _read(content: str, reference: ValuesReference) -> Plain:
    try:
        data = read(content)
    except FluxsecretsError:
        raise _refused(reference, "its content is not valid YAML") from None
    if data is not None and not isinstance(data, dict):
        raise _refused(reference, "its content is not a map of values")
    return data or {}


def _refused(reference: ValuesReference, reason: str) -> FormatError:
    return FormatError(
        f"helm-controller would refuse the key {reference.key!a} of the {reference.kind} "
        f"{reference.name!a} under `valuesFrom`: {reason}"
    )


def _set_path(values: Plain, reference: ValuesReference, content: str) -> None:
    """`ReplacePathValue` and `ReplacePathLiteralValue`."""
    if reference.literal:
        for sign in "\\,[]{}":
            content = content.replace(sign, f"\\{sign}")
        strings = True
    else:
        strings = any(content.startswith(quote) and content.endswith(quote) for quote in "'\"")
        content = content.strip("'\"") if strings else content
    try:
        _Setter(f"{reference.target}={content}", strings=strings).run(values)
    except _InvalidError as error:
        raise _refused(reference, str(error)) from None


class _InvalidError(Exception):
    """Helm's parser would end with an error."""


class _EndError(Exception):
    """The text ends, as Go's `io.EOF`."""


class _Setter:
    """Helm's parser of `--set`; each method is the function of that name in pkg/strvals/parser.go."""

    def __init__(self, source: str, *, strings: bool) -> None:
        self.source = source
        self.at = 0
        self.strings = strings

    def run(self, data: Plain) -> None:
        while True:
            try:
                self.key(data, 0)
            except _EndError:
                return

    def key(self, data: Plain, level: int) -> None:
        name, stop = self.until("=[,.")
        if stop is None:
            if name:
                raise _InvalidError("a key has no value")
            raise _EndError
        if stop == "[":
            index = self.index()
            if name in data and not isinstance(data[name], list):
                raise _InvalidError("the path leads through a value that is not a list")
            self.put(data, name, self.item(data.get(name, []), index, level))
        elif stop == "=":
            self.value(lambda value: self.put(data, name, value))
        elif stop == ",":
            self.put(data, name, "")
            raise _InvalidError("a key has no value")
        else:
            if level + 1 > _MOST_LEVELS:
                raise _InvalidError("the path has too many levels")
            inner = data.get(name, {})
            if not isinstance(inner, dict):
                raise _InvalidError("the path leads through a value that is not a map")
            try:
                self.key(inner, level + 1)
            finally:
                if inner:
                    self.put(data, name, inner)

    def item(self, items: list[Any], index: int, level: int) -> list[Any]:
        name, stop = self.until("[.=")
        if name or stop is None:
            raise _InvalidError("the path is malformed behind an index")
        if stop == "=":
            made: list[list[Any]] = []
            with suppress(_EndError):
                self.value(lambda value: made.append(_with_item(items, index, value)))
            return made[0]
        if stop == "[":
            inner_index = self.index()
            inner = items[index] if index < len(items) else None
            if inner is not None and not isinstance(inner, list):
                raise _InvalidError("the path leads through a value that is not a list")
            return _with_item(items, index, self.item(inner or [], inner_index, level))
        if index < len(items) and not isinstance(items[index], dict):
            items[index] = {}
        found = items[index] if index < len(items) else {}
        try:
            self.key(found, level)
        except _EndError:
            return items
        return _with_item(items, index, found)

    def value(self, put: Callable[[Any], None]) -> None:
        """A value or a list in braces.

        Raises:
            _EndError: the text ends where a value starts, which is an empty string.
        """
        if self.at == len(self.source):
            put("")
            raise _EndError
        if self.source[self.at] == "{":
            self.at += 1
            put(list(self.items()))
            return
        put(self.typed(self.until(",")[0]))

    def items(self) -> Iterable[Any]:
        while True:
            text_, stop = self.until(",}")
            if stop is None:
                raise _InvalidError("a list must end with }")
            yield self.typed(text_)
            if stop == "}":
                self.at += self.source.startswith(",", self.at)
                return

    def typed(self, value: str) -> Any:
        lower = value.casefold()  # as Go's EqualFold
        if self.strings:
            return value
        if lower in ("true", "false"):
            return lower == "true"
        if lower == "null":
            return None
        if value == "0":
            return 0
        digits = value[1:] if value[:1] in ("+", "-") else value
        if value[:1] != "0" and digits.isascii() and digits.isdigit() and int(value) in _INT64:
            return int(value)
        return value

    def index(self) -> int:
        digits, stop = self.until("]")
        if stop is None:
            raise _EndError
        number = digits[1:] if digits[:1] in ("+", "-") else digits
        if not (number.isascii() and number.isdigit()):
            raise _InvalidError("an index is not a number")
        if not 0 <= int(digits) <= _MOST_INDEX:
            raise _InvalidError("an index is out of range")
        return int(digits)

    def put(self, data: Plain, key: str, value: Any) -> None:
        if key:
            data[key] = value

    def until(self, stops: str) -> tuple[str, str | None]:
        found: list[str] = []
        while self.at < len(self.source):
            sign = self.source[self.at]
            self.at += 1
            if sign in stops:
                return "".join(found), sign
            if sign == "\\":
                if self.at == len(self.source):
                    break
                sign = self.source[self.at]
                self.at += 1
            found.append(sign)
        return "".join(found), None


def _with_item(items: list[Any], index: int, value: Any) -> list[Any]:
    """`setIndex`: a list that is long enough is changed in place, and so for all that share it."""
    if index >= len(items):
        items = [*items, *([None] * (index + 1 - len(items)))]
    items[index] = value
    return items
