"""Open the SealedSecrets of a file's content: bytes in, bytes out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from fluxsecrets.errors import FluxsecretsError, FormatError
from fluxsecrets.ops.files.sealingkeys import load_keys
from fluxsecrets.ops.run.inputs import Input
from fluxsecrets.ops.run.session import Session
from fluxsecrets.repo.manifests import line_of, read_manifests
from fluxsecrets.repo.manifesttext import ManifestText, Replacement, open_manifests
from fluxsecrets.repo.pieces import Pieces
from fluxsecrets.repo.secretlayout import secret_data
from fluxsecrets.repo.secretobject import Secret
from fluxsecrets.sealed.keys import SealingKey
from fluxsecrets.sealed.layout import unsealed_pieces
from fluxsecrets.sealed.model import API_VERSION, KIND, read_sealed
from fluxsecrets.sealed.opening import open_sealed
from fluxsecrets.sops.document import Leaf
from fluxsecrets.sops.document import Mapping as MapNode
from fluxsecrets.sops.formats import Limits


@dataclass(frozen=True, slots=True)
class Unsealed:
    """The result of unsealing."""

    data: bytes = field(repr=False)
    secrets: tuple[Secret, ...]


def unseal(session: Session, given: Input, private_keys: Sequence[Path]) -> Unsealed:
    """Open the SealedSecrets of a content with keys from files or the environment.

    Raises:
        IdentityError, FileAccessError: no private key was found, or it can't be read.
        FluxsecretsError: see `unseal_content`; names the file.
    """
    keys = load_keys(session, private_keys)
    try:
        return unseal_content(given.data, keys, session.limits)
    except FluxsecretsError as error:
        raise error.in_file(given.target.shown) from None


def unseal_content(data: bytes, keys: Sequence[SealingKey], limits: Limits) -> Unsealed:
    """Open all SealedSecrets of a content; other objects, comments and order stay.

    Raises:
        FormatError: the content has no SealedSecret, or is not YAML or JSON.
        DataKeyError, IntegrityError: a value can't be opened; names its line.
    """
    text = open_manifests(data, limits)
    replacements, secrets = unsealed_replacements(text, keys)
    if not replacements:
        in_list = any(
            each.in_list and each.kind == KIND for each in read_manifests(data, "", limits).manifests
        )
        raise FormatError(
            "its SealedSecrets are in a List" if in_list else "it contains no SealedSecret",
            hint="turn each into its own document" if in_list else "name a file with SealedSecrets",
        )
    return Unsealed(text.replaced(replacements), tuple(secrets))


def unsealed_replacements(
    text: ManifestText, keys: Sequence[SealingKey]
) -> tuple[dict[int, Replacement], list[Secret]]:
    """Return the Secrets that replace SealedSecrets, by document; raises like `unseal_content`."""
    replacements: dict[int, Replacement] = {}
    secrets = []
    for number, part in enumerate(text.parts):
        if not is_sealed_part(part):
            continue
        try:
            secret = open_sealed(read_sealed(part), keys).secret
        except FluxsecretsError as error:
            error.line = error.line or line_of(part)
            raise
        replacements[number] = replacement_for(secret)
        secrets.append(secret)
    return replacements, secrets


def replacement_for(secret: Secret) -> Replacement:
    """Return a Secret in place of its SealedSecret."""

    def layout(pieces: Pieces) -> Pieces:
        return unsealed_pieces(secret, pieces)

    return Replacement(secret_data(secret), layout)


def is_sealed_part(part: MapNode) -> bool:
    """Whether a document is a SealedSecret."""
    kind, version = part.get("kind"), part.get("apiVersion")
    group = API_VERSION.partition("/")[0]
    return (
        isinstance(kind, Leaf)
        and kind.value == KIND
        and isinstance(version, Leaf)
        and str(version.value).partition("/")[0] == group
    )
