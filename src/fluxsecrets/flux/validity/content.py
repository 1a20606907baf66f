"""The keys and values of Secrets and ConfigMaps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from fluxsecrets.flux.unknown import is_unknown
from fluxsecrets.marks import is_ciphertext, read_ciphertext
from fluxsecrets.repo.manifests import DECRYPT_ANNOTATION, dig
from fluxsecrets.repo.secretrules import (
    MAX_SIZE,
    TOKEN_ANNOTATION,
    base64_fault,
    decode_base64,
    is_token,
    key_faults,
    type_faults,
)
from fluxsecrets.sops.document import Leaf, find
from fluxsecrets.sops.values import Timestamp

from .problem import QUOTE, Problem, Subject, field_name, texts_of

_SECRET = ("v1", "Secret")
_CONFIG_MAP = ("v1", "ConfigMap")
_FIELDS = {_SECRET: ("data", "stringData"), _CONFIG_MAP: ("data", "binaryData")}
_TEXTS = {_SECRET: ("stringData",), _CONFIG_MAP: ("data",)}
_BASE64 = {(_SECRET, "data"), (_CONFIG_MAP, "binaryData")}


def check_keys(subject: Subject) -> Iterator[Problem]:
    """Keys that Kubernetes does not allow, and those of a ConfigMap that are in both of its fields."""
    held: dict[str, str] = {}
    for name in _FIELDS.get(subject.kind, ()):
        for key in _entries(subject, name):
            # a Secret has one map by then: stringData is merged into data
            place = ("data", key) if subject.kind == _SECRET else (name, key)
            for fault in () if is_unknown(key) else key_faults(key):
                reason = f'{field_name(place)}: Invalid value: "{key}": {fault}'
                yield Problem("key-not-allowed", (name, key), _shown(reason), "rename the key")
            if key in held and subject.kind == _CONFIG_MAP:
                fault = "duplicate of key present in binaryData"
                reason = f'{field_name(("data", key))}: Invalid value: "{key}": {fault}'
                yield Problem("key-twice", (name, key), _shown(reason), "take one of them out")
            held[key] = name


def check_base64(subject: Subject) -> Iterator[Problem]:
    """Values that have to be base64, and are not."""
    for name in _FIELDS.get(subject.kind, ()):
        if (subject.kind, name) not in _BASE64:
            continue
        # Flux refuses a Secret with a `sops` block itself, unless an annotation keeps it from decrypting
        annotation = texts_of(subject.data, "metadata", "annotations").get(DECRYPT_ANNOTATION, "")
        is_refused_before = "sops" in subject.data and annotation.lower() != "disabled"
        for key, value in texts_of(subject.data, name).items():
            at = base64_fault(value)
            if at is not None and not (is_refused_before and is_ciphertext(value)):
                yield Problem(
                    "value-not-base64",
                    (name, key),
                    f"{field_name((name, key))}: illegal base64 data at input byte {at}",
                    _base64_hint(subject, value),
                )


def check_dates(subject: Subject) -> Iterator[Problem]:
    """Dates without quotes in the place of texts: YAML and sops make points in time of them."""
    for name in _TEXTS.get(subject.kind, ()):
        for key, value in _entries(subject, name).items():
            if _is_date(subject, (name, key), value):
                reason = (
                    f"{field_name((name, key))}: a date without quotes is applied with T00:00:00Z behind it"
                )
                yield Problem("date-rewritten", (name, key), reason, QUOTE, dropped=True)


def _is_date(subject: Subject, steps: tuple[str, str], value: object) -> bool:
    shown = value.text if isinstance(value, Timestamp) else value
    if not isinstance(shown, str) or not shown.endswith("T00:00:00Z"):
        return False
    leaf = find(subject.manifest.node, steps) if subject.manifest is not None else None
    written = leaf.value if isinstance(leaf, Leaf) else None
    sealed = read_ciphertext(str(dig(subject.written, *steps)).strip())
    return (
        isinstance(value, Timestamp) or isinstance(written, Timestamp) or bool(sealed and sealed[4] == "time")
    )


def check_type(subject: Subject) -> Iterator[Problem]:
    """What a Secret lacks that its type requires."""
    type_ = subject.data.get("type")
    if subject.kind != _SECRET or not isinstance(type_, str) or is_unknown(type_):
        return
    values = _known(subject)
    for fault in type_faults(type_, values, _annotations(subject)):
        if is_token(type_):
            reason = f"metadata.annotations[{TOKEN_ANNOTATION}]: {fault}"
            hint = "name the ServiceAccount in this annotation, or take type out"
            yield Problem("required-key-missing", ("type",), reason, hint)
        elif fault.key in values:
            reason = f"data[{fault.key}]: {fault}"
            hint = "put in what `kubectl create secret docker-registry --dry-run=client -o yaml` makes"
            hint = hint if fault.detail else "give it a value"
            place = _place(subject, fault.key or "")
            yield Problem("content-invalid", place, reason, hint, written=place)
        elif subject.complete:
            yield Problem(
                "required-key-missing",
                ("type",),
                f"data[{fault.key}]: {fault}",
                f"add the key {fault.key} to {_field_for_more(subject)}, or take type out",
                written=(_field_for_more(subject), fault.key or ""),
            )


def check_size(subject: Subject) -> Iterator[Problem]:
    """Values that have more than 1 MiB together; what is not known counts by its ciphertext's length."""
    fields = _FIELDS.get(subject.kind)
    if fields is None:
        return
    sizes: dict[str, int] = {}
    for name in fields:
        entries = _entries(subject, name)
        sizes |= {key: _size(subject, name, key, value) for key, value in entries.items()}
    if sum(sizes.values()) > MAX_SIZE:
        place = "data" if subject.kind == _SECRET else "[]"
        yield Problem(
            "too-large",
            (next(name for name in (*fields, "kind") if name in subject.data),),
            f"{place}: Too long: may not be more than {MAX_SIZE} bytes",
            "split it, or keep what is large elsewhere",
        )


def _size(subject: Subject, name: str, key: str, value: object) -> int:
    """Bytes of a value once it is applied; at least that many for one that is not known."""
    encoded = (subject.kind, name) in _BASE64
    if not isinstance(value, str):
        return 0
    if is_unknown(value):
        match = None if encoded else read_ciphertext(str(dig(subject.written, name, key)).strip())
        # AES-GCM keeps the length
        return len(decode_base64(match[1]) or b"") if match is not None else 0
    if encoded:
        return len(decode_base64(value) or b"")
    return len(value.encode("utf-8", "surrogatepass"))


def _entries(subject: Subject, name: str) -> Mapping[str, object]:
    found = subject.data.get(name)
    return found if isinstance(found, dict) else {}


def _known(subject: Subject) -> dict[str, bytes | None]:
    """A Secret's values by key, as the cluster will have them; None for those that are not known."""
    values: dict[str, bytes | None] = dict.fromkeys(subject.generated)
    for name in ("data", "stringData"):
        for key, value in _entries(subject, name).items():
            values[key] = _value(value, encoded=name == "data")
    return values


def _value(value: object, *, encoded: bool) -> bytes | None:
    if value is None:
        return b""
    if not isinstance(value, str) or is_unknown(value):
        return None
    return decode_base64(value) if encoded else value.encode("utf-8", "surrogatepass")


def _annotations(subject: Subject) -> Mapping[str, str]:
    """All of them, those that are not known too."""
    found = dig(subject.data, "metadata", "annotations")
    return (
        {key: value for key, value in found.items() if isinstance(value, str)}
        if isinstance(found, dict)
        else {}
    )


def _place(subject: Subject, key: str) -> tuple[str, str]:
    return ("stringData" if key in _entries(subject, "stringData") else "data", key)


def _field_for_more(subject: Subject) -> str:
    """Where a Secret's keys are, and one more belongs."""
    return "stringData" if _entries(subject, "stringData") and not _entries(subject, "data") else "data"


def _base64_hint(subject: Subject, value: str) -> str:
    if is_ciphertext(value):
        return "nothing decrypts this ciphertext: put it into a file with its own sops block"
    if value.strip() != value or " " in value:
        return "take out the spaces"
    if subject.kind == _CONFIG_MAP:
        return "encode it with `base64 -w0`, or move it to data"
    return "encode it with `base64 -w0`, or move it to stringData"


def _shown(text: str) -> str:
    return text.encode("unicode_escape").decode("ascii") if not text.isprintable() else text
