"""Data keys that the transit engine of Vault or OpenBao wraps (sops: hcvault/keysource.go)."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

from fluxsecrets.clouds import refusal, vault, vault_login
from fluxsecrets.clouds.calling import CallLimits
from fluxsecrets.clouds.endpoints import endpoint
from fluxsecrets.clouds.sharing import Shared
from fluxsecrets.errors import RecipientError, ServiceError
from fluxsecrets.sops.envelope import KeyProvider
from fluxsecrets.sops.recipients import Recipient

from . import User
from .service import ServiceProvider

_KIND = "hc_vault"
_SERVICE = "Vault"
_CIPHERTEXT = re.compile(r"vault:v[0-9]+:[A-Za-z0-9+/=]+", re.ASCII)
_STEP = re.compile(r"[\w.~!$&'()*+;=:@-]+", re.ASCII)
_LONGEST_PATH = 512


class _Place(NamedTuple):
    """Where a key is: the server's address, the engine's path and the key's name."""

    address: str
    engine: str
    key: str


class VaultTransit:
    """Requests to transit engines, one client per server."""

    kind = _KIND
    title = _SERVICE
    limits = CallLimits(per_second=200.0)

    def __init__(self, environ: Mapping[str, str], user: User) -> None:
        """Take the environment, and the user for the addresses that the configuration names."""
        self._environ = environ
        self._user = user
        self._clients: Shared[Any] = Shared()

    def check(self, recipient: Recipient) -> None:
        """Refuse what is not a key of a transit engine."""
        _place(recipient)

    def address(self, recipient: Recipient) -> str:
        """Return the server."""
        return _place(recipient).address

    def encrypt(self, recipient: Recipient, secret: bytes) -> tuple[Recipient, str]:
        """See `KeyClient.encrypt`."""
        place = _place(recipient)
        plain = base64.b64encode(secret).decode("ascii")
        answer = self._ask(place, "encrypt", {"plaintext": plain})
        enc = answer.get("ciphertext")
        if not isinstance(enc, str) or not _CIPHERTEXT.fullmatch(enc):
            raise vault.not_an_answer(_SERVICE)
        return recipient, enc

    def decrypt(self, recipient: Recipient, enc: str) -> bytes:
        """See `KeyClient.decrypt`."""
        place = _place(recipient)
        if not _CIPHERTEXT.fullmatch(enc):
            raise refusal.refusal(refusal.WRONG_KEY, _SERVICE)
        plain = self._ask(place, "decrypt", {"ciphertext": enc}).get("plaintext")
        try:
            return base64.b64decode(plain, validate=True)  # type: ignore[arg-type]  # other types are caught
        except (binascii.Error, TypeError, ValueError):
            raise vault.not_an_answer(_SERVICE) from None

    def has_credentials(self, recipient: Recipient) -> bool:
        """Whether there is a token, and the key's server may get it."""
        address = _place(recipient).address
        try:
            vault_login.check_trusted(self._environ, address, self._named, _SERVICE)
        except ServiceError:
            return False
        return vault_login.has_token(self._environ, vault_login.product_at(self._environ, address))

    def looked_in(self) -> tuple[str, ...]:
        """See `KeyClient.looked_in`."""
        return vault_login.token_places(self._environ)

    def _ask(self, place: _Place, verb: str, body: Mapping[str, str]) -> Mapping[str, Any]:
        return vault.ask(self._client(place.address), f"{place.engine}/{verb}/{place.key}", body, _SERVICE)

    def _client(self, address: str) -> Any:
        def make() -> Any:
            vault_login.check_trusted(self._environ, address, self._named, _SERVICE)
            product = vault_login.product_at(self._environ, address)
            return vault.make_client(address, self._environ, product=product, service=_SERVICE)

        return self._clients.get(address, make)

    def _named(self) -> tuple[str, ...]:
        return self._user.addresses(_KIND, "vault_address")


def make(environ: Mapping[str, str], user: User) -> KeyProvider:
    """Make the provider of one run."""
    kept = User(named=user.named, servers=user.servers)
    return ServiceProvider(partial(VaultTransit, dict(environ), kept))


def _place(recipient: Recipient) -> _Place:
    """Return where a key is. A file is not trusted: its fields must not lead to another place of the server.

    Raises:
        RecipientError: the address is not one of a server, or a path has steps that lead elsewhere.
    """
    place = _Place(*(recipient.text(name) for name in ("vault_address", "engine_path", "key_name")))
    steps = (*place.engine.strip("/").split("/"), place.key)
    if endpoint(place.address) is None:
        raise RecipientError(
            "not the address of a Vault server", hint="it looks like https://vault.example.com:8200"
        )
    if any(not _is_step(step) for step in steps) or sum(map(len, steps)) > _LONGEST_PATH:
        raise RecipientError("not the path of a Vault transit key", hint="it looks like transit/keys/NAME")
    return place._replace(address=place.address.rstrip("/"), engine=place.engine.strip("/"))


def _is_step(text: str) -> bool:
    return bool(_STEP.fullmatch(text)) and text not in (".", "..")
