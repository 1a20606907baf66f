"""The Secret that a value is proposed for, in its encrypted file; read without any key."""

from __future__ import annotations

from dataclasses import dataclass

from fluxsecrets.errors import FluxsecretsError, FormatError, NotEncryptedError, UsageError
from fluxsecrets.ops.files.content import check_encrypted, parse
from fluxsecrets.ops.files.decrypt import parse_key
from fluxsecrets.ops.files.keypaths import is_secret
from fluxsecrets.ops.run.inputs import Target
from fluxsecrets.repo.manifests import child, text_of
from fluxsecrets.repo.proposals import MAPS, SecretId
from fluxsecrets.repo.tree import Tree
from fluxsecrets.sops.document import Document, Mapping, find
from fluxsecrets.sops.formats import make_format
from fluxsecrets.sops.metadata import Metadata


@dataclass(frozen=True, slots=True)
class EncryptedSecret:
    """A Secret in its file.

    Attributes:
        path: of the file, relative to the root.
        metadata: the file's `sops` block.
        part: the YAML document, from 0.
        node: the object as it is written, encrypted.
    """

    path: str
    document: Document
    metadata: Metadata
    part: int
    node: Mapping
    id: SecretId


def read_secret(tree: Tree, target: Target, key: str, number: int | None = None) -> EncryptedSecret:
    """Find the Secret in an encrypted file.

    Args:
        tree: that the file is in.
        target: the file.
        key: of a value; if only one of several Secrets has it, that one is taken.
        number: the YAML document, from 1, or None.

    Raises:
        NotEncryptedError: the file is plain.
        UsageError: it has no Secret, several of which none is chosen, or a SealedSecret.
        IntegrityError: a value is plain that the selector encrypts.
        FormatError, MetadataError, ...: see `content.parse`.
    """
    path = target.path.relative_to(tree.root.resolve()).as_posix()
    format_ = make_format(target.format)
    document = parse(format_, tree.read(path), tree.limits)
    if document.metadata is None:
        raise _not_encrypted(document)
    check_encrypted(document, single_value=format_.single_value)
    found = [
        (at, part) for at, part in enumerate(document.parts) if is_secret(part) and number in (None, at + 1)
    ]
    if not found:
        raise UsageError(
            "a proposal is a patch for a Kubernetes Secret, and the file has none"
            if number is None
            else f"document {number} of the file is not a Secret",
            hint="a holder of a key can change any encrypted file with `fluxsecrets set FILE KEY`",
        )
    if len(found) > 1:
        having = [
            (at, part) for at, part in found if any(find(part, (name, key)) is not None for name in MAPS)
        ]
        found = having if len(having) == 1 else found
    if len(found) > 1:
        numbers = ", ".join(str(at + 1) for at, _ in found)
        raise UsageError(
            f"the file has several Secrets, in documents {numbers}", hint="choose one with --document N"
        )
    at, part = found[0]
    name = text_of(child(part, "metadata", "name"))
    if not name:
        raise FormatError("the Secret has no name, and a patch finds it by its name", hint="add a name to it")
    namespace = text_of(child(part, "metadata", "namespace"))
    return EncryptedSecret(path, document, document.metadata, at, part, SecretId(name, namespace))


def key_of(text: str) -> str:
    """Return the key of a value. The map in front of it may be left out: it is not the user's to choose.

    Raises:
        UsageError: it is not a key of a Secret.
    """
    path = parse_key(text)
    if path is None:
        name, dot, rest = text.partition(".")
        path = (name, rest) if dot and name in MAPS else (text,)
    key = path[-1]
    if not isinstance(key, str) or not key or len(path) > 2 or (len(path) == 2 and path[0] not in MAPS):
        raise UsageError(f"{text!a} is not a key of a Secret", hint="write it like password")
    return key


def _not_encrypted(document: Document) -> FluxsecretsError:
    if any(text_of(part.get("kind")) == "SealedSecret" for part in document.parts):
        return UsageError(
            "the file is a SealedSecret, to which a value can be added without a key",
            hint="`fluxsecrets set FILE KEY --stdin` needs the certificate only",
        )
    return NotEncryptedError(
        "the file is not encrypted, so nothing says for whom a proposal is",
        hint="encrypt it first: `fluxsecrets encrypt FILE`",
    )
