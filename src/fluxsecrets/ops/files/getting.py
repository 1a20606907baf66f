"""Read one value of an encrypted file. What changes one is in `values`, and imports far more."""

from __future__ import annotations

import base64
import binascii

from fluxsecrets.errors import FluxsecretsError, FormatError
from fluxsecrets.ops.run.inputs import Input
from fluxsecrets.ops.run.session import Session
from fluxsecrets.records import dataclass
from fluxsecrets.sops.document import Document, Leaf, show_path, to_data
from fluxsecrets.sops.document import Mapping as MapNode
from fluxsecrets.sops.formats import make_format, tree_format
from fluxsecrets.sops.values import canonical_bytes

from .content import open_file
from .keypaths import find_place, is_secret_data


@dataclass(frozen=True, slots=True)
class ValueRequest:
    """Which value of which file, and how to change it.

    Attributes:
        key: see `keypaths.find_or_new_place`.
        document: the YAML document, from 1; None searches all.
        raw: values under `data:` of a Secret are base64, and are not decoded or encoded.
        plain: allow a new value that the file's selector leaves in plain text.
        accept_recipients: see `reencrypt.open_target`.
        allow_invalid: see `reencrypt.encrypt_again`.
        only_encrypted: refuse what is not one encrypted value, or would not be: a map, a list, plain text.
        dry_run: write nothing.
    """

    path: str
    key: str
    input_type: str | None = None
    document: int | None = None
    raw: bool = False
    plain: bool = False
    accept_recipients: bool = False
    allow_invalid: bool = False
    only_encrypted: bool = False
    dry_run: bool = False


def get_value(
    session: Session, given: Input, request: ValueRequest, *, output_type: str | None = None
) -> bytes:
    """Return the bytes of one value of an encrypted file; a map or list as YAML or JSON.

    Args:
        session: the run.
        given: the encrypted file.
        request: `key`, `document` and `raw`.
        output_type: `yaml` or `json`, for maps and lists; defaults to the file's format.

    Raises:
        UsageError: the key does not exist, or is ambiguous.
        FormatError: a value under `data:` of a Secret is not base64.
        DataKeyError, IntegrityError, NotEncryptedError, ...: see `content.open_file`.
    """
    try:
        return _value(session, given, request, output_type)
    except FluxsecretsError as error:
        raise error.in_file(given.target.shown) from None


def _value(session: Session, given: Input, request: ValueRequest, output_type: str | None) -> bytes:
    opened = open_file(make_format(given.target.format), given.data, session.providers, session.limits)
    document = _plain_document(opened.opened.document, opened.parts)
    place = find_place(document, request.key, request.document)
    node = place.node
    if not isinstance(node, Leaf):
        assert node is not None  # noqa: S101 - `find_place` says so
        format_ = make_format(output_type) if output_type else tree_format(given.target.format)
        return format_.render([to_data(node)])
    value = canonical_bytes(node.value)
    if request.raw or not is_secret_data(document.parts[place.part], place.path):
        return value
    decoded = from_base64(value)
    if decoded is None:
        raise FormatError(
            f"the value of {show_path(place.path)} is under `data:` of a Secret, but is not base64",
            hint="--raw prints it unchanged; Kubernetes would reject it, so set it again",
        )
    return decoded


def _plain_document(document: Document, parts: tuple[MapNode, ...]) -> Document:
    return Document(document.format, document.source, parts, None, document.layout)


def from_base64(data: bytes) -> bytes | None:
    """The bytes that a value under `data:` of a Secret stands for; None if it is not base64."""
    try:
        # Line breaks are allowed, as in Go's decoder.
        return base64.b64decode(data.replace(b"\n", b"").replace(b"\r", b""), validate=True)
    except binascii.Error:
        return None
