"""Data keys that Azure Key Vault wraps (sops: azkv/keysource.go).

The vault encrypts, although the public key would be enough: only the vault knows whether the key is disabled,
expired, or not for the user.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

from fluxsecrets.clouds import azure, azure_login, refusal
from fluxsecrets.clouds.calling import CallLimits
from fluxsecrets.clouds.endpoints import is_among
from fluxsecrets.clouds.sharing import Shared
from fluxsecrets.errors import RecipientError, ServiceError
from fluxsecrets.sops.envelope import KeyProvider
from fluxsecrets.sops.recipients import KINDS, Recipient, split_list

from . import User
from .service import ServiceProvider

_KIND = "azure_kv"
_URLS = KINDS[_KIND].variable
_SERVICE = azure.SERVICE
_ALGORITHM = "RSA-OAEP-256"
_NAME = re.compile(r"[0-9A-Za-z-]{1,127}", re.ASCII)
_VERSION = re.compile(r"[0-9A-Za-z]{1,64}", re.ASCII)
_BASE64URL = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)


class _Key(NamedTuple):
    """Where a key is. An empty version means the newest."""

    origin: str
    name: str
    version: str


class AzureKeyVault:
    """Requests to Azure Key Vault and Managed HSM, one client per vault and one login for all."""

    kind = _KIND
    title = _SERVICE
    # A vault takes 2,000 operations in ten seconds. The login may run programs, ten seconds each.
    limits = CallLimits(per_second=150.0, deadline=60.0)

    def __init__(self, environ: Mapping[str, str], user: User, *, timeout: float = azure.TIMEOUT) -> None:
        """Take the environment, and what the user named.

        Args:
            environ: the environment.
            user: whose `named` and `servers` say which other addresses may get a token.
            timeout: seconds, for a connection and for an answer.
        """
        self._environ = environ
        self._user = user
        self._timeout = timeout
        self._credential = azure_login.Credential(environ, service=_SERVICE, timeout=timeout)
        self._vaults: Shared[azure.Vault] = Shared()
        self._versions: Shared[str] = Shared()

    def check(self, recipient: Recipient) -> None:
        """Refuse what is not the address of a key."""
        _key(recipient)

    def address(self, recipient: Recipient) -> str:
        """Return the vault."""
        return _key(recipient).origin

    def encrypt(self, recipient: Recipient, secret: bytes) -> tuple[Recipient, str]:
        """See `KeyClient.encrypt`. The newest version is asked for once, and named in the file."""
        key = _key(recipient)
        vault = self._vault(key.origin)
        key = key if key.version else key._replace(version=self._newest(vault, key))
        enc, used = _operate(vault, key, "encrypt", _encode(secret))
        if not used.lower().endswith(f"/keys/{key.name}/{key.version}".lower()):
            raise refusal.refusal(refusal.FAILED, _SERVICE, detail="another key was used")
        return _with_version(recipient, key.version), _encode(enc)

    def decrypt(self, recipient: Recipient, enc: str) -> bytes:
        """See `KeyClient.decrypt`."""
        key = _key(recipient)
        if _decode(enc) is None:
            raise refusal.refusal(refusal.WRONG_KEY, _SERVICE)
        try:
            return _operate(self._vault(key.origin), key, "decrypt", enc)[0]
        except ServiceError as error:
            if error.reason == refusal.REJECTED:
                # All else in the request is right: Azure's "BadParameter" is about the wrapped key.
                raise refusal.refusal(refusal.WRONG_KEY, _SERVICE) from None
            raise

    def has_credentials(self, recipient: Recipient) -> bool:
        """Whether there may be a login, and the key's vault may get its token."""
        return self._is_trusted(_key(recipient).origin) and azure_login.has_credentials(self._environ)

    def looked_in(self) -> tuple[str, ...]:
        """See `KeyClient.looked_in`."""
        return azure_login.looked_in(self._environ)

    def _vault(self, origin: str) -> azure.Vault:
        def make() -> azure.Vault:
            if not self._is_trusted(origin):
                raise refusal.refusal(refusal.UNTRUSTED, _SERVICE)
            return azure.Vault(origin, self._credential, self._environ, timeout=self._timeout)

        return self._vaults.get(origin, make)

    def _is_trusted(self, origin: str) -> bool:
        """Whether the user's token may go there: to a vault of Azure's, or where the user says."""
        if azure.is_azures(origin):
            return True
        given = [each.partition("/keys/")[0] for each in split_list(self._environ.get(_URLS, ""))]
        return is_among(origin, (*given, *self._user.addresses(_KIND, "vault_url")))

    def _newest(self, vault: azure.Vault, key: _Key) -> str:
        def ask() -> str:
            return _version_in(vault.ask("GET", f"/keys/{key.name}/"), key.name)

        return self._versions.get(key, ask)


def make(environ: Mapping[str, str], user: User) -> KeyProvider:
    """Make the provider of one run."""
    kept = User(named=user.named, servers=user.servers)
    return ServiceProvider(partial(AzureKeyVault, dict(environ), kept))


def _key(recipient: Recipient) -> _Key:
    """Return where a key is. A file is not trusted: its fields must not lead to another place of the vault.

    Raises:
        RecipientError: the vault's address, the name or the version is malformed.
    """
    origin = azure.vault_origin(recipient.text("vault_url"))
    name, version = recipient.text("name"), recipient.text("version")
    if origin is None or not _NAME.fullmatch(name) or (version and not _VERSION.fullmatch(version)):
        raise RecipientError(
            "not the address of an Azure Key Vault key",
            hint="it looks like https://VAULT.vault.azure.net/keys/NAME/VERSION",
        )
    return _Key(origin, name, version)


def _operate(vault: azure.Vault, key: _Key, operation: str, value: str) -> tuple[bytes, str]:
    """Return the result, and the identifier of the key that was used."""
    path = "/".join(each for each in ("/keys", key.name, key.version, operation) if each)
    answer = vault.ask("POST", path, {"alg": _ALGORITHM, "value": value})
    result = _decode(answer.get("value"))
    if result is None:
        raise refusal.refusal(refusal.FAILED, _SERVICE, detail="malformed answer")
    return result, str(answer.get("kid", ""))


def _version_in(answer: Mapping[str, Any], name: str) -> str:
    """Return the version in the identifier of a key, `https://HOST/keys/NAME/VERSION`."""
    key = answer.get("key")
    kid = key.get("kid") if isinstance(key, dict) else None
    _, found, version = kid.partition(f"/keys/{name}/") if isinstance(kid, str) else ("", "", "")
    if not found or not _VERSION.fullmatch(version):
        raise refusal.refusal(refusal.FAILED, _SERVICE, detail="malformed answer")
    return version


def _with_version(recipient: Recipient, version: str) -> Recipient:
    fields = {**dict(recipient.attributes), "version": version}
    prefix, _, _ = recipient.id.rpartition("/")
    return replace(recipient, id=f"{prefix}/{version}", attributes=tuple(sorted(fields.items())))


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _decode(text: object) -> bytes | None:
    """Return the bytes of unpadded base64url, or None."""
    if not isinstance(text, str) or not _BASE64URL.fullmatch(text) or len(text) % 4 == 1:
        return None
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
