"""Which keys kustomize-controller finds in a Secret.

Follows `ImportKeys` of internal/decryptor/decryptor.go: the ending of a data key decides what it is. The
first one that the controller can't import stops it from decrypting anything.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.flux.keynames import AGE_SUFFIX, SERVICES, is_private_key, is_read
from fluxsecrets.keys.keyfile import parse_keys
from fluxsecrets.sops.recipients import Recipient

from .model import ClusterKeys

Fingerprints = Callable[[bytes], tuple[str, ...]]
"""The fingerprints of the private keys in an export of PGP keys.

Raises IdentityError if it can't tell.
"""


def read_cluster_keys(values: Mapping[str, bytes | None], fingerprints: Fingerprints) -> ClusterKeys:
    """Return whose files Flux opens with a Secret, without the private keys.

    Args:
        values: of the Secret; None for one that is hidden.
        fingerprints: reads exports of PGP keys.
    """
    recipients: dict[str, tuple[Recipient, ...]] = {}
    unusable: dict[str, str] = {}
    unread: dict[str, str] = {}
    for key, value in sorted(values.items()):
        if not is_private_key(key):
            continue
        if value is None:
            unread[key] = "its value is hidden"
        elif key.endswith(AGE_SUFFIX):
            found, problem = _age(value)
            if problem:
                unusable[key] = problem
            else:
                recipients[key] = found
        else:
            try:
                recipients[key] = tuple(Recipient("pgp", each) for each in fingerprints(value))
            except FluxsecretsError as error:
                unread[key] = error.message
    return ClusterKeys(
        recipients,
        unusable,
        tuple(sorted(key for key in values if not is_read(key))),
        tuple(sorted(SERVICES & values.keys())),
        unread,
    )


def _age(value: bytes) -> tuple[tuple[Recipient, ...], str]:
    """The recipients of age identities, or why the controller can't import them."""
    parsed = parse_keys(value, origin="the Secret", path="the Secret")
    if parsed.locked:
        return (), "it is encrypted with a passphrase"
    if parsed.problems:
        problem = parsed.problems[0]
        return (), problem.message if problem.line is None else f"line {problem.line}: {problem.message}"
    # The controller has no plugins, and takes no SSH keys.
    foreign = next((each.kind for each in parsed.identities if each.kind in ("plugin", "ssh")), None)
    if foreign is not None:
        return (), "it is an identity of a plugin" if foreign == "plugin" else "it is an SSH key"
    if not parsed.identities:
        return (), "there is no identity in it"
    return tuple(Recipient("age", each.recipient) for each in parsed.identities), ""
