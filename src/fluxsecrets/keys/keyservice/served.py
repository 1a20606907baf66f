"""Providers that ask key services for what this machine can't do: sops's `--keyservice`.

For each key this machine is asked first, where that is enabled, then one service after the other; the first
answer counts (sops.go, `UpdateMasterKeysWithKeyServices` and `decryptKey`). So a data key leaves the process
only if it can't be wrapped here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

from fluxsecrets.errors import FluxsecretsError, IdentityError, LockedError, RecipientError
from fluxsecrets.keys.service import ServiceProvider
from fluxsecrets.keys.turns import Turns, in_turn
from fluxsecrets.sops.envelope import KeyProvider, NotMine, Providers
from fluxsecrets.sops.metadata import WrappedKey
from fluxsecrets.sops.recipients import Recipient

from . import AskedServices
from .client import RemoteKeys
from .endpoints import Endpoint

_NOBODY = "no key service is used: the local one is disabled, and no other is named"
_NOBODY_HINT = "name one with --keyservice or SOPS_KEYSERVICE, or leave out --enable-local-keyservice"


class ServedProviders(Mapping[str, KeyProvider]):
    """The providers of one run, beside key services.

    Can be pickled to start worker processes, like what it is made of.
    """

    def __init__(
        self, own: Providers, services: AskedServices, warn: Callable[[str], None] | None = None
    ) -> None:
        """Take the providers of this machine, the services, and what shows warnings."""
        self._own = own
        self._local = services.local
        self._remote = Remote(services.remote, warn)
        self._made: dict[str, KeyProvider] = {}

    def __getitem__(self, kind: str) -> KeyProvider:
        if kind not in self._made:
            own = self._own[kind]
            self._made[kind] = ServedProvider(kind, own if self._local else None, self._remote)
        return self._made[kind]

    def __iter__(self) -> Iterator[str]:
        return iter(self._own)

    def __len__(self) -> int:
        return len(self._own)


class Remote(Turns):
    """The key services of one run; the providers of all kinds share them."""

    def __init__(self, endpoints: Sequence[Endpoint], warn: Callable[[str], None] | None) -> None:
        """Take where they listen, and what shows warnings."""
        super().__init__()
        self._services = tuple(
            (endpoint, ServiceProvider(partial(RemoteKeys, endpoint))) for endpoint in endpoints
        )
        self._warn = warn
        self._warned: set[Endpoint] = set()

    def __getstate__(self) -> dict[str, object]:
        return {**super().__getstate__(), "_warn": None}  # workers show nothing

    def __bool__(self) -> bool:
        return bool(self._services)

    def __iter__(self) -> Iterator[ServiceProvider]:
        """Yield the services, to ask them; warn before the first question that leaves this machine."""
        for endpoint, service in self._services:
            if endpoint.exposed:
                self._warn_of(endpoint)
            yield service

    @in_turn
    def _warn_of(self, endpoint: Endpoint) -> None:
        if endpoint not in self._warned and self._warn is not None:
            self._warn(f"data keys pass unencrypted to the key service {endpoint}; use SSH instead")
        self._warned.add(endpoint)

    def check(self, recipient: Recipient) -> None:
        """Raise RecipientError if no service could be asked about a recipient; nothing is sent."""
        for _, service in self._services:
            service.check(recipient)

    def places(self) -> tuple[str, ...]:
        """Return the services' names for people."""
        return tuple(place for _, service in self._services for place in service.looked_in())


class ServedProvider:
    """The provider of one kind of key, on this machine and by services."""

    def __init__(self, kind: str, own: KeyProvider | None, remote: Remote) -> None:
        """Take the kind, the provider of this machine or None if it is disabled, and the services."""
        self.kind = kind
        self.waits = bool(remote) or (own is not None and own.waits)
        self._own = own
        self._remote = remote

    def check(self, recipient: Recipient) -> None:
        """Refuse a recipient that neither this machine nor a service could encrypt for.

        Raises:
            RecipientError: it is one; a service is not asked.
        """
        if not self._remote:
            if self._own is None:
                raise RecipientError(_NOBODY, hint=_NOBODY_HINT)
            self._own.check(recipient)
            return
        self._remote.check(recipient)

    def wrap(self, recipient: Recipient, secret: bytes) -> WrappedKey:
        """Encrypt a data key or a share of one: here, or by the first service that does.

        Raises:
            RecipientError: none could; `details` has the reason of each service.
        """
        failures: list[FluxsecretsError] = []
        if self._own is not None:
            try:
                return self._own.wrap(recipient, secret)
            except RecipientError as error:
                failures.append(error)
        for service in self._remote:
            try:
                key = service.wrap(recipient, secret)
            except RecipientError as error:
                failures.append(error)
            else:
                return replace(key, created_at=None) if self.kind == "age" else key
        if not failures:
            raise RecipientError(_NOBODY, hint=_NOBODY_HINT)
        first, *others = failures
        raise RecipientError(
            first.message,
            hint=first.hint,
            path=first.path,
            details=[*first.details, *(str(error) for error in others)],
        )

    def unwrap(self, key: WrappedKey) -> bytes | NotMine:
        """Decrypt a wrapped key: here, or by the first service that does.

        Raises:
            LockedError, IdentityError: none could, and a service failed or refused; with the reason of each.
        """
        reasons: list[str] = []
        hint, locked = None, False
        if self._own is not None:
            try:
                answer = self._own.unwrap(key)
            except FluxsecretsError as error:
                if not self._remote:
                    raise
                reasons.append(str(error))
                hint, locked = error.hint, isinstance(error, LockedError)
            else:
                if not isinstance(answer, NotMine) or not self._remote:
                    return answer
                reasons.append(answer.reason)
        for service in self._remote:
            try:
                return service.unwrap(key)
            except FluxsecretsError as error:
                reasons.append(str(error))
                hint = hint or error.hint
        if not reasons:
            return NotMine(_NOBODY)
        raise (LockedError if locked else IdentityError)("; ".join(reasons), hint=hint)

    def at_hand(self, recipient: Recipient) -> bool:
        """Whether its identity is on this machine."""
        return self._own is not None and self._own.at_hand(recipient)

    def owns(self, recipient: Recipient) -> bool:
        """Whether it is the user's own on this machine; a service's keys are not the user's own."""
        return self._own is not None and self._own.owns(recipient)

    def search_further(self, recipients: Sequence[Recipient]) -> tuple[str, ...]:
        """See `KeyProvider.search_further`; services have nothing to search."""
        return () if self._own is None else self._own.search_further(recipients)

    def looked_in(self) -> tuple[str, ...]:
        """Return where identities were looked for, and the services."""
        own = () if self._own is None else self._own.looked_in()
        return (*own, *self._remote.places())
