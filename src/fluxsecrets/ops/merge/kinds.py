"""What kind of file is merged: encrypted, SealedSecrets, a plain Secret, or anything else."""

from __future__ import annotations

from enum import Enum, auto

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.marks import MANIFEST_SUFFIXES, is_secret_name
from fluxsecrets.ops.policy.manifest import is_manifest
from fluxsecrets.ops.policy.policy import is_secret_list
from fluxsecrets.repo.encrypted import detect_encryption
from fluxsecrets.sops.document import Document, Leaf, Mapping
from fluxsecrets.sops.formats import Limits, format_for_path, make_format


class Kind(Enum):
    """The kind of one version of a file."""

    ENCRYPTED = auto()
    SEALED = auto()
    SECRET = auto()
    OTHER = auto()


def kind_of(data: bytes, path: str, limits: Limits) -> tuple[Kind, str]:
    """Return the kind of a version, and its format.

    Args:
        data: the content.
        path: of the file in the repository; its name counts.
        limits: for reading manifests.

    Returns:
        `SECRET` for a Secret in plain text, and for a plain file whose name says that it is secret. `OTHER`
        for what can't be parsed.
    """
    encrypted = detect_encryption(data, path)
    if encrypted is not None:
        return Kind.ENCRYPTED, encrypted
    name = format_for_path(path)
    if is_secret_name(path):
        return Kind.SECRET, name
    if not path.endswith(MANIFEST_SUFFIXES) or (b"Secret" not in data and b"sops" not in data):
        return Kind.OTHER, name
    try:
        document = make_format(name).parse(data, limits)
    except FluxsecretsError:
        return Kind.OTHER, name
    return _kind_of_manifests(document), name


def _kind_of_manifests(document: Document) -> Kind:
    if document.metadata is not None:  # its MAC was removed, or its ciphertexts
        return Kind.ENCRYPTED
    kinds = {_kind(part) for part in document.parts if is_manifest(part)}
    if "Secret" in kinds or any(map(is_secret_list, document.parts)):
        return Kind.SECRET
    return Kind.SEALED if "SealedSecret" in kinds else Kind.OTHER


def _kind(part: Mapping) -> object:
    kind = part.get("kind")
    return kind.value if isinstance(kind, Leaf) else None
