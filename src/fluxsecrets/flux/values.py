"""The values of a Secret that are SOPS files themselves: Flux decrypts each, as its marker says.

Follows `DecryptResource` and `detectFormatFromMarkerBytes` of internal/decryptor/decryptor.go.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from fluxsecrets.repo.decryption import Fate, Treatment
from fluxsecrets.repo.kustomize.entrypaths import format_for_key
from fluxsecrets.repo.manifests import Plain, dig
from fluxsecrets.repo.objects import Object
from fluxsecrets.repo.outcome import Effect, Outcome
from fluxsecrets.repo.unknown import SIGN, UNKNOWN, is_unknown

from .model import Cluster
from .reading import Access, key_hint, not_known
from .sopsfiles import SHOWN, Emitted, ambiguous, decrypt_file, found_format
from .wording import not_decrypted

_BASE64 = re.compile(r"[A-Za-z0-9+/]*={0,2}")


class Values(NamedTuple):
    """A Secret after its values were decrypted.

    Attributes:
        data: the whole Secret. Not in the repr.
        treatment: of the Secret.
        outcomes: what is wrong.
        by_key: what becomes of each value that is a SOPS file.
    """

    data: Plain
    treatment: Treatment
    outcomes: tuple[Outcome, ...] = ()
    by_key: Mapping[str, Treatment] = {}

    def __repr__(self) -> str:
        """Without the data."""
        return f"Values(treatment={self.treatment!r}, outcomes={self.outcomes!r})"


def decrypt_values(item: Object, cluster: Cluster) -> Values:
    """Decrypt those values in `data` that are SOPS files."""
    values = dig(item.data, "data")
    outcomes: list[Outcome] = []
    changed: dict[str, object] = {}
    by_key: dict[str, Treatment] = {}
    for key, value in values.items() if isinstance(values, dict) else ():
        content = decoded(value)
        format_ = found_format(content) if content is not None else None
        if content is None or format_ is None:
            continue
        if ambiguous(content):
            outcomes.append(_doubt(item, key, "it has the markers of several formats, and Flux takes any"))
            changed[key] = UNKNOWN
            continue
        written = format_for_key(key)
        emitted = decrypt_file(content, format_, written, cluster)
        by_key[key] = _treatment(emitted, format_, written)
        changed[key] = encoded(emitted.data) if emitted.data is not None else UNKNOWN
        if emitted.fails is not None:
            outcomes.append(_fails(item, key, emitted.fails, cluster))
        elif emitted.doubt is not None:
            outcomes.append(_doubt(item, key, emitted.doubt))
        elif emitted.access is Access.NOT_KNOWN:
            outcomes.append(not_known(item.file, _line(item, key), f"{key!a} of Secret {item.name!a}"))
        if emitted.dropped:
            outcomes.append(_dropped(item, key, emitted.dropped))
    if not changed:
        return Values(item.data, Treatment(Fate.APPLIED))
    data = {**item.data, "data": {**values, **changed}}
    worst = next((each for each in outcomes if each.effect is Effect.FAILS), None)
    treatment = next(iter(by_key.values()), Treatment(Fate.DECRYPTED))
    if worst is not None:
        treatment = Treatment(Fate.FAILS, reason=worst.reason)
    return Values(data, treatment, tuple(outcomes), by_key)


def _treatment(emitted: Emitted, read: str, written: str) -> Treatment:
    if emitted.fails is not None:
        return Treatment(Fate.FAILS, read, emitted.fails)
    turned = f"it is turned into {SHOWN[written]}, as its key says" if read != written != "binary" else ""
    return Treatment(Fate.DECRYPTED, read, turned)


def decoded(value: object) -> bytes | None:
    """The bytes of a value in `data`, or None where it is not base64, or not known."""
    if not isinstance(value, str) or is_unknown(value):
        return None
    text = value.replace("\n", "").replace("\r", "")  # Go's decoder skips them
    return b64decode(text) if len(text) % 4 == 0 and _BASE64.fullmatch(text) else None


def encoded(content: bytes) -> str:
    """Bytes as a value in `data`; unknown if some of them are."""
    return UNKNOWN if SIGN.encode() in content else b64encode(content).decode()


def _line(item: Object, key: str) -> int:
    return item.line_at(("data", key))


def _fails(item: Object, key: str, reason: str, cluster: Cluster) -> Outcome:
    return Outcome(
        Effect.FAILS,
        "value-not-emitted" if "failed to emit" in reason else "value-not-decrypted",
        not_decrypted(item, f"Secret field '{key}'", reason),
        item.file,
        _line(item, key),
        next(_hints(key, reason, item.file, cluster), ""),
    )


def _hints(key: str, reason: str, path: str, cluster: Cluster) -> Iterator[str]:
    if "as decrypted binary" in reason:
        yield f"give the key {key!a} the suffix of the file's format, such as `.yaml` or `.env`"
    elif "failed to emit" in reason:
        yield f"give the key {key!a} the suffix of the file's format"
    elif "data key" in reason:
        yield key_hint(cluster, path)
    elif "metadata not found" in reason:
        yield "the text of a marker is in a plain file: encrypt the file, or change that text"


def _doubt(item: Object, key: str, reason: str) -> Outcome:
    return Outcome(
        Effect.UNKNOWN,
        "decryption-not-known",
        f"it cannot be told what Flux makes of {key!a} of Secret {item.name!a}: {reason}",
        item.file,
        _line(item, key),
    )


def _dropped(item: Object, key: str, count: int) -> Outcome:
    return Outcome(
        Effect.ALTERED,
        "documents-dropped",
        f"{key!a} of Secret {item.name!a} gets the first YAML document only, {count} more are dropped",
        item.file,
        _line(item, key),
        "give the key the suffix `.yaml`",
    )
