"""The messages of the key service, in protobuf's wire format (sops: keyservice/keyservice.proto).

They hold texts, bytes and one map: nothing but fields with a length. So they are written by hand here, typed,
and neither the protobuf library nor generated code is needed. Requests of both calls have the same fields:
the key is 1, the bytes are 2. Answers have the bytes alone, as 1.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from fluxsecrets.sops.recipients import Recipient, azure_kv, kms, recipient_id

SERVICE = "KeyService"
ENCRYPT, DECRYPT = "Encrypt", "Decrypt"

MOST_BYTES = 128 * 1024
"""Of one message. The longest wrapped keys have 64 KiB, see `agefile` and `pgpmessage`."""

_KEY, _DATA = 1, 2
_ANSWER = 1
_CONTEXT = "context"
_VARINT, _EIGHT_BYTES, _WITH_LENGTH, _FOUR_BYTES = 0, 1, 2, 5


class _Kind(NamedTuple):
    number: int
    fields: Mapping[str, int]


_KINDS: Mapping[str, _Kind] = {
    "kms": _Kind(1, {"arn": 1, "role": 2, _CONTEXT: 3, "aws_profile": 4}),
    "pgp": _Kind(2, {"fp": 1}),
    "gcp_kms": _Kind(3, {"resource_id": 1}),
    "azure_kv": _Kind(4, {"vault_url": 1, "name": 2, "version": 3}),
    "hc_vault": _Kind(5, {"vault_address": 1, "engine_path": 2, "key_name": 3}),
    "age": _Kind(6, {"recipient": 1}),
    "hckms": _Kind(7, {"key_id": 1}),
}
"""By the kind of recipient: its field in `Key`, and the numbers of its own fields by their names in files."""

_BY_NUMBER = {kind.number: name for name, kind in _KINDS.items()}


class MalformedError(ValueError):
    """Bytes that are not the expected message."""


class Request(NamedTuple):
    """What a client asks for.

    Attributes:
        recipient: whose key; None if the request names none, or one of a kind that is not known.
        data: the data key to encrypt, or the wrapped key to decrypt.
    """

    recipient: Recipient | None
    data: bytes

    def __repr__(self) -> str:
        """Say nothing of the data."""
        return f"<request for {self.recipient!r}>"


def encode_request(recipient: Recipient, data: bytes) -> bytes:
    """Return the request to encrypt or decrypt with a key.

    Raises:
        MalformedError: the recipient has a text that is not Unicode.
    """
    kind = _KINDS[recipient.kind]
    given = dict(recipient.attributes)
    if len(kind.fields) == 1 or recipient.kind == "kms":
        given[next(iter(kind.fields))] = recipient.id
    key = b"".join(_encoded(number, given.get(name)) for name, number in kind.fields.items())
    return _field(_KEY, _field(kind.number, key)) + _text(_DATA, data)


def decode_request(message: bytes) -> Request:
    """Read a request.

    Raises:
        MalformedError: it is not one.
    """
    key, data = None, b""
    for number, content in _fields(message):
        if number == _KEY:
            key = _recipient(content)
        elif number == _DATA:
            data = content
    return Request(key, data)


def encode_answer(data: bytes) -> bytes:
    """Return the answer with a wrapped key, or with a data key."""
    return _text(_ANSWER, data)


def decode_answer(message: bytes) -> bytes:
    """Read the bytes of an answer; empty if it has none.

    Raises:
        MalformedError: it is not an answer.
    """
    data = b""
    for number, content in _fields(message):
        if number == _ANSWER:
            data = content
    return data


def _recipient(message: bytes) -> Recipient | None:
    found = None
    for number, content in _fields(message):  # the last of several counts
        kind = _BY_NUMBER.get(number)
        found = None if kind is None else _of_kind(kind, content)
    return found


def _of_kind(kind: str, message: bytes) -> Recipient:
    names = {number: name for name, number in _KINDS[kind].fields.items()}
    values = dict.fromkeys(_KINDS[kind].fields, "")
    context: dict[str, str] = {}
    for number, content in _fields(message):
        name = names.get(number)
        if name == _CONTEXT:
            entry = {number: _decoded(part) for number, part in _fields(content)}
            context[entry.get(1, "")] = entry.get(2, "")
        elif name is not None:
            values[name] = _decoded(content)
    if kind == "kms":
        return kms(values["arn"], role=values["role"], context=context, aws_profile=values["aws_profile"])
    if kind == "azure_kv":
        return azure_kv(values["vault_url"], values["name"], values["version"])
    if len(values) > 1:
        return Recipient(kind, recipient_id(kind, values), tuple(sorted(values.items())))
    return Recipient(kind, next(iter(values.values())))


def _encoded(number: int, value: object) -> bytes:
    if isinstance(value, Mapping):
        entries = sorted((str(name), str(text)) for name, text in value.items())
        return b"".join(_field(number, _text(1, name) + _text(2, text)) for name, text in entries)
    return _text(number, "" if value is None else str(value))


def _text(number: int, value: str | bytes) -> bytes:
    """Return a field; nothing if it is empty, as proto3 has it."""
    try:
        data = value.encode() if isinstance(value, str) else value
    except UnicodeEncodeError:
        raise MalformedError("a text is not Unicode") from None
    return _field(number, data) if data else b""


def _field(number: int, data: bytes) -> bytes:
    return _varint(number << 3 | _WITH_LENGTH) + _varint(len(data)) + data


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _fields(message: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the fields with a length; those of other types are not ours, and skipped."""
    at = 0
    while at < len(message):
        tag, at = _read_varint(message, at)
        number, wire = tag >> 3, tag & 7
        start = at
        if wire == _WITH_LENGTH:
            size, start = _read_varint(message, at)
            at = start + size
        elif wire == _VARINT:
            _, at = _read_varint(message, at)
        elif wire in (_EIGHT_BYTES, _FOUR_BYTES):
            at += 8 if wire == _EIGHT_BYTES else 4
        else:
            raise MalformedError("a field has a type that is not used")
        if not number or at > len(message):
            raise MalformedError("a field is cut off")
        if wire == _WITH_LENGTH:
            yield number, message[start:at]


def _read_varint(message: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(message):
            break
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise MalformedError("a number is cut off")


def _decoded(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise MalformedError("a text is not UTF-8") from None
