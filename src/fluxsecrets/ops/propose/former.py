"""Whether a value of a Secret is still the one over which a proposal was made, although its ciphertext isn't.

`rotate` and everything that makes a new data key encrypts a value again. git has the former ciphertext, and a
holder of a key can compare the two.
"""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.ops.files.content import OpenedFile, open_file
from fluxsecrets.ops.files.reencrypt import OpenTarget
from fluxsecrets.ops.run.session import Session
from fluxsecrets.repo.git.history import read_blobs, stream_changes
from fluxsecrets.repo.manifests import child, text_of
from fluxsecrets.repo.proposals import MAPS, SecretId
from fluxsecrets.repo.secretrules import decode_base64
from fluxsecrets.sops.document import Leaf, Mapping, find
from fluxsecrets.sops.formats import make_format

from .patchfile import over

_VERSIONS = 500


def is_same_value(session: Session, opened: OpenTarget, secret: SecretId, key: str, mark: str) -> bool:
    """Return whether a key has the value now that it had when its ciphertext had a mark.

    Args:
        session: the run; its identities open the version in git.
        opened: the Secret's file.
        secret: which Secret of it.
        key: of the value.
        mark: of `patchfile.over`.

    Returns:
        False if that can't be told: git doesn't have that version, or no identity opens it.
    """
    now = _value(opened.file.parts, secret, key)
    if now is None:
        return False
    try:
        for file in _versions(session, opened):
            node = _secret(file.opened.document.parts, secret)
            if node is not None and over(node, key) == mark:
                return _value(file.parts, secret, key) == now
    except FluxsecretsError:
        pass
    return False


def _versions(session: Session, opened: OpenTarget) -> Iterator[OpenedFile]:
    """The versions of the file in git that can be opened, the newest first."""
    repository, path = opened.target.repository, opened.target.repository_path
    if repository is None or path is None or not repository.has_head():
        return
    listed = repository.run("rev-list", f"--max-count={_VERSIONS}", "HEAD", "--", path)
    changes = stream_changes(repository, listed.decode("ascii").split(), (path,))
    blobs = [each.blob for each in changes if each.blob is not None]
    format_ = make_format(opened.target.format)
    for _, data in read_blobs(repository, blobs, limit=session.limits.size):
        try:
            yield open_file(format_, data, session.providers, session.limits)
        except FluxsecretsError:
            continue  # another version may be readable


def _secret(parts: tuple[Mapping, ...], secret: SecretId) -> Mapping | None:
    return next((part for part in parts if _id(part) == secret), None)


def _id(part: Mapping) -> SecretId | None:
    name = text_of(child(part, "metadata", "name"))
    return None if name is None else SecretId(name, text_of(child(part, "metadata", "namespace")))


def _value(parts: tuple[Mapping, ...], secret: SecretId, key: str) -> bytes | None:
    """The bytes of a value; `stringData` wins over `data`."""
    node = _secret(parts, secret)
    for name in reversed(MAPS):
        leaf = find(node, (name, key)) if node is not None else None
        if isinstance(leaf, Leaf) and isinstance(leaf.value, str):
            return decode_base64(leaf.value) if name == "data" else leaf.value.encode()
    return None
