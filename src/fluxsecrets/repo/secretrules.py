"""What Kubernetes takes as the keys and values of a Secret or ConfigMap.

Follows `ValidateSecret` and `ValidateConfigMap` of Kubernetes' core validation, `IsConfigMapKey` of
k8s.io/apimachinery (util/validation), and encoding/base64 of Go. No text here holds a value.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Callable, Iterable, Iterator, Mapping

from fluxsecrets.namedtuples import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

MAX_SIZE: Final = 2**20
"""Bytes that the values may have together (`MaxSecretSize` in Kubernetes)."""

_MAX_KEY = 253
_KEY = r"[-._a-zA-Z0-9]+"
_BASE64 = r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?"
_NEWLINES = str.maketrans("", "", "\r\n")
_ALPHABET = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")


class Fault(NamedTuple):
    """What Kubernetes says against a Secret's content.

    Attributes:
        key: of `data`; the whole of it if None.
        kind: Kubernetes' own name for the error, such as `Required value`.
        detail: or "".
    """

    key: str | None
    kind: str
    detail: str = ""

    def __str__(self) -> str:
        """As the API server prints it behind the field."""
        return f"{self.kind}: {self.detail}" if self.detail else self.kind


def key_faults(key: str) -> tuple[str, ...]:
    """Why a key is not allowed in a Secret or ConfigMap."""
    found = []
    if len(key.encode("utf-8", "surrogatepass")) > _MAX_KEY:
        found.append(f"must be no more than {_MAX_KEY} characters")
    if not re.fullmatch(_KEY, key):
        found.append("a valid config key must consist of alphanumeric characters, '-', '_' or '.'")
    if key in (".", ".."):
        found.append(f"must not be '{key}'")
    elif key.startswith(".."):
        found.append("must not start with '..'")
    return tuple(found)


def decode_base64(text: str) -> bytes | None:
    """Decode as Go does: line breaks are skipped, spaces are not allowed, padding is a must.

    Returns:
        The bytes, or None if it is not base64.
    """
    bare = text.translate(_NEWLINES)
    return b64decode(bare) if re.fullmatch(_BASE64, bare) else None


def base64_fault(text: str) -> int | None:
    """Where Go stops at a text that is not base64, as an offset in bytes; None if it is."""
    if decode_base64(text) is not None:
        return None
    signs = text.encode("utf-8", "surrogatepass").decode("latin-1")
    at, filled = 0, 0
    while at < len(signs):
        sign, at = signs[at], at + 1
        if sign in "\r\n":
            continue
        if sign in _ALPHABET:
            filled = (filled + 1) % 4
            continue
        if sign != "=" or filled < 2:
            return at - 1
        if filled == 2:
            at = _after_newlines(signs, at)
            if at == len(signs):
                return at
            if signs[at] != "=":
                return at - 1
            at += 1
        return _after_newlines(signs, at)
    return len(signs) - filled


def _after_newlines(signs: str, at: int) -> int:
    while at < len(signs) and signs[at] in "\r\n":
        at += 1
    return at


Known = Mapping[str, bytes | None]
"""Values by key; None for one that is not known."""


def type_faults(type_: str, values: Known, annotations: Mapping[str, str]) -> Iterator[Fault]:
    """What a Secret lacks that its type requires."""
    check = _TYPES.get(type_)
    if check is not None:
        yield from check(values)
    elif type_ == _TOKEN and not annotations.get(TOKEN_ANNOTATION):
        yield Fault(None, "Required value")


def missing_keys(type_: str, keys: Iterable[str]) -> tuple[str, ...]:
    """Return the keys that the API server still asks for in a Secret of a type."""
    faults = type_faults(type_, dict.fromkeys(keys), {})
    return tuple(fault.key for fault in faults if fault.key is not None)


def is_token(type_: object) -> bool:
    """Whether it is the type of a ServiceAccount's token, which needs an annotation and no key."""
    return type_ == _TOKEN


_TOKEN = "kubernetes.io/service-account-token"  # noqa: S105 - the name of a type
TOKEN_ANNOTATION: Final = "kubernetes.io/service-account.name"  # noqa: S105 - the name of an annotation


def _docker(key: str) -> Callable[[Known], Iterator[Fault]]:
    def check(values: Known) -> Iterator[Fault]:
        if key not in values:
            yield Fault(key, "Required value")
            return
        value = values[key]
        fault = None if value is None else json_fault(value)
        if fault is not None:
            yield Fault(key, "Invalid value", f"<secret contents redacted>: {fault}")

    return check


def _basic(values: Known) -> Iterator[Fault]:
    if "username" not in values and "password" not in values:
        yield Fault("username", "Required value")
        yield Fault("password", "Required value")


def _ssh(values: Known) -> Iterator[Fault]:
    if values.get("ssh-privatekey", b"") == b"":
        yield Fault("ssh-privatekey", "Required value")


def _tls(values: Known) -> Iterator[Fault]:
    yield from (Fault(key, "Required value") for key in ("tls.crt", "tls.key") if key not in values)


_TYPES: Mapping[str, Callable[[Known], Iterator[Fault]]] = {
    "kubernetes.io/basic-auth": _basic,
    "kubernetes.io/dockercfg": _docker(".dockercfg"),
    "kubernetes.io/dockerconfigjson": _docker(".dockerconfigjson"),
    "kubernetes.io/ssh-auth": _ssh,
    "kubernetes.io/tls": _tls,
}


def json_fault(value: bytes) -> str | None:
    """Why a value is not a JSON object, without any of it; None if it is one.

    Go takes `null` for an object, replaces what is not UTF-8, and knows neither NaN nor Infinity.
    """
    if not value.strip(b" \t\r\n"):
        return "unexpected end of JSON input"
    import json

    try:
        found = json.loads(value.decode("utf-8", "replace"), parse_constant=_refuse, parse_float=_float)
    except (ValueError, RecursionError):
        return "it is not JSON"
    if found is None or isinstance(found, dict):
        return None
    return "it is JSON, but not an object"


def _refuse(name: str) -> None:
    raise ValueError(name)


def _float(digits: str) -> float:
    value = float(digits)
    if value in (float("inf"), float("-inf")):
        raise ValueError
    return value
