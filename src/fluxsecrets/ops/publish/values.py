"""The values of a decrypted file as one JSON object, as Vault stores them (sops: sops.go, `EmitAsMap`).

Differences on purpose: in sops, maps inside lists become lists of `{"Key": …, "Value": …}`, comments inside
lists become values, and a key of a later document silently replaces that of an earlier one.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable

from fluxsecrets.errors import FormatError
from fluxsecrets.sops.document import Document, Mapping, to_data
from fluxsecrets.sops.values import Timestamp

_WHOLE = 1e21
"""Go writes whole floats below this without a fraction."""


def published_values(document: Document, parts: Iterable[Mapping], *, exact: bool = True) -> bytes:
    """Return the values of all documents of a file as canonical JSON.

    Args:
        document: the file.
        parts: its documents, decrypted.
        exact: the reader keeps any integer; else it takes numbers for floats of 64 bits.

    Raises:
        FormatError: documents share a key, or JSON doesn't have such a value. No value is in the message.
    """
    values: dict[str, object] = {}
    for part in parts:
        data = to_data(part)
        for key, value in data.items() if isinstance(data, dict) else ():
            if key in values:
                raise FormatError(
                    f"several documents have the key {key!a}, and Vault takes one map per file",
                    hint="put each document into a file of its own",
                )
            try:
                values[key] = _json(value, exact=exact)
            except FormatError as error:
                raise FormatError(f"{error.message}: see the key {key!a}", hint=error.hint) from None
    if document.format == "ini":  # in sops, it has this section whether something is in it or not
        values.setdefault("DEFAULT", {})
    return canonical(values)


def canonical(values: object) -> bytes:
    """Return JSON that is the same for the same values."""
    text = json.dumps(
        _json(values), sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False
    )
    return text.encode("utf-8", "surrogatepass")


def _json(value: object, *, exact: bool = True) -> object:
    if isinstance(value, dict):
        return {str(key): _json(each, exact=exact) for key, each in value.items()}
    if isinstance(value, list):
        return [_json(each, exact=exact) for each in value]
    if isinstance(value, Timestamp):
        return value.text
    if isinstance(value, bytes):
        try:
            return value.decode("utf-8")
        except UnicodeDecodeError:
            raise FormatError(
                "a value is binary data, which JSON can't hold",
                hint="store it in base64, or publish the file to a bucket",
            ) from None
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, int) and not exact and int(float(value)) != value:
        raise FormatError(
            "an integer has more than 53 bits, and the destination would change it", hint="write it in quotes"
        )
    return value


def _number(value: float) -> int | float:
    if not math.isfinite(value):
        raise FormatError("a value is not a finite number, which JSON can't hold", hint="write it in quotes")
    return int(value) if value.is_integer() and abs(value) < _WHOLE else value
