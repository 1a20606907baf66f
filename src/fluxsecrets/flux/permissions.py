"""What kustomize-controller needs to decrypt with keys that services hold, and whose credentials it uses.

Follows `ImportKeys` and `SetAuthOptions` of internal/decryptor/decryptor.go: static credentials in the Secret
of `decryption.secretRef` come first, then the role of `decryption.serviceAccountName`, then the controller's.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import NamedTuple

from fluxsecrets.repo.flux import Decryption
from fluxsecrets.sops.naming import printable
from fluxsecrets.sops.recipients import KINDS, Recipient, attribute_of

from .keynames import CREDENTIALS

_ACTIONS: Mapping[str, str] = {
    "kms": "kms:Decrypt",
    "gcp_kms": "cloudkms.cryptoKeyVersions.useToDecrypt",
    "azure_kv": "keys/decrypt",
    "hc_vault": "update",
    "hckms": "kms:cmk:decryptDataKey",
}


class Permission(NamedTuple):
    """What the controller has to be allowed.

    Attributes:
        action: the service's name of it, such as `kms:Decrypt`.
        key: the whole name of the key; of Vault, the path of the policy, and the server.
        role: the role that is assumed for it, or None.
    """

    action: str
    key: str
    role: str | None


def permission_for(recipient: Recipient) -> Permission | None:
    """Return what it takes to decrypt with a service's key; None for other kinds of keys."""
    if KINDS[recipient.kind].local:
        return None
    role = attribute_of(recipient, "role") if recipient.kind == "kms" else None
    return Permission(
        _ACTIONS[recipient.kind],
        printable(_path_at(recipient.id) if recipient.kind == "hc_vault" else recipient.id),
        printable(role) if isinstance(role, str) and role else None,
    )


def _path_at(address: str) -> str:
    """Return the path of a Vault policy that decrypts, and the server."""
    match = re.fullmatch(r"(https?://[^/]+)/v1/(.+)/keys/([^/]+)/?", address)
    return f"{match[2]}/decrypt/{match[3]} at {match[1]}" if match else address


def credentials_for(
    kind: str,
    decryption: Decryption,
    namespace: str | None,
    held: Collection[str] | None,
    account: str | None = None,
) -> str:
    """Return whose credentials the controller uses for a kind of key, for people.

    Args:
        kind: of the key.
        decryption: of the Kustomization.
        namespace: of the Kustomization, or None.
        held: the names of the data keys in the Secret of `decryption.secretRef`; None if they are not known.
        account: the service account that the controller uses if the Kustomization names none, or None.
    """
    static = CREDENTIALS.get(kind)
    secret = decryption.secret
    if secret and static and held is not None and static in held:
        return f"{static} in Secret {secret}"
    who = "the controller's own identity"
    if decryption.service_account or account:
        place = f"{namespace}/" if namespace else ""
        who = f"service account {place}{decryption.service_account or account}"
    if kind == "hc_vault":
        who = f"a login of {who}, if the controller allows this address"
    if secret and static and held is None:
        return f"{static} in Secret {secret}, or else {who}"
    return who
