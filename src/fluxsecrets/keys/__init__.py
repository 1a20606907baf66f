"""Who can open a data key: one provider per kind of key, made when it is first needed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from importlib import import_module
from types import MappingProxyType

from fluxsecrets.errors import RecipientError
from fluxsecrets.namedtuples import NamedTuple
from fluxsecrets.records import dataclass, replace
from fluxsecrets.sops.envelope import KeyProvider, NotMine
from fluxsecrets.sops.metadata import WrappedKey
from fluxsecrets.sops.recipients import KINDS, Recipient

from .turns import Turns, in_turn


@dataclass(frozen=True, slots=True)
class User:
    """What this run may ask the user, and what the user allowed.

    Attributes:
        ask: asks for a passphrase; None if there is nobody to ask. `prompt.ask_at_terminal` is one.
        notify: shows messages of a plugin, such as to touch a device.
        warn: reports what is wrong with a key file that is usable all the same.
        allowed_plugins: the age plugins that may run to encrypt for a recipient, see `age.AgeProvider`.
        named: returns the recipients that rules or the command line name; called at need. An address that
            only a file names gets no credential. It is pickled for worker processes.
        servers: returns the addresses of servers that the settings name; as `named`.
    """

    ask: Callable[[str], str] | None = None
    notify: Callable[[str], None] | None = None
    warn: Callable[[str], None] | None = None
    allowed_plugins: frozenset[str] | None = None
    named: Callable[[], Collection[Recipient]] = tuple
    servers: Callable[[], Collection[str]] = tuple

    def addresses(self, kind: str, attribute: str) -> tuple[str, ...]:
        """Return which addresses may get a credential: of named recipients of a kind, and of the settings."""
        named = (each.text(attribute) for each in self.named() if each.kind == kind)
        return (*named, *self.servers())


class Unsupported:
    """A kind of key that this version, or this run, cannot use. Files that hold one can still be read."""

    waits = False

    def __init__(self, kind: str, problem: str, hint: str) -> None:
        """Take the kind's name in files, why it can't be used, and what to do."""
        self.kind = kind
        self._problem = problem
        self._hint = hint

    def check(self, recipient: Recipient) -> None:
        """Refuse any recipient of this kind.

        Raises:
            RecipientError: always.
        """
        raise RecipientError(self._problem, hint=self._hint)

    def wrap(self, recipient: Recipient, secret: bytes) -> WrappedKey:
        """Refuse to wrap.

        Raises:
            RecipientError: always.
        """
        self.check(recipient)
        raise AssertionError("check raises")

    def unwrap(self, key: WrappedKey) -> bytes | NotMine:
        """Report that no identity opens it."""
        return NotMine(self._problem)

    def at_hand(self, recipient: Recipient) -> bool:
        """None is."""
        return False

    def owns(self, recipient: Recipient) -> bool:
        """No: nothing of this kind can be opened."""
        return False

    def search_further(self, recipients: Sequence[Recipient]) -> tuple[str, ...]:
        """Nowhere."""
        return ()

    def looked_in(self) -> tuple[str, ...]:
        """Nowhere."""
        return ()


PROVIDERS: Mapping[str, str] = MappingProxyType(
    {
        "age": "age",
        "pgp": "pgp",
        "kms": "aws_kms",
        "gcp_kms": "gcp_kms",
        "azure_kv": "azure_kv",
        "hc_vault": "vault_transit",
    }
)
"""By the kind of key: the module that provides for it, which has `make`. It is imported when first used.

Kinds that are only in `sops.recipients.KINDS` can be read, but not used.
"""


class Extra(NamedTuple):
    """What is installed for one kind of key, and a module by which it is known to be there."""

    extra: str
    module: str


EXTRAS: Mapping[str, Extra] = MappingProxyType(
    {
        "kms": Extra("aws", "botocore"),
        "gcp_kms": Extra("gcp", "google.auth"),
        "azure_kv": Extra("azure", "azure.keyvault.keys"),
        "hc_vault": Extra("vault", "hvac"),
    }
)
"""By the kind of key that needs one."""


def has_library(kind: str) -> bool:
    """Whether the library for a kind of key is installed, if it needs one. The library is not imported."""
    if kind not in EXTRAS:
        return True
    from importlib.util import find_spec

    try:
        return find_spec(EXTRAS[kind].module) is not None
    except ModuleNotFoundError:  # not even the package around the module
        return False


@dataclass(frozen=True, slots=True)
class Allowed:
    """Which keys a run may use.

    Attributes:
        services: those that services hold.
        identities: the user's own and those of services, to decrypt; without, it only encrypts.
    """

    services: bool = True
    identities: bool = True


def _make(kind: str, environ: Mapping[str, str], user: User, allowed: Allowed) -> KeyProvider:
    title = KINDS[kind].title
    if kind not in PROVIDERS:
        hint = "leave the recipient out, or encrypt this file with sops"
        return Unsupported(kind, f"{title} keys are not supported by this version", hint)
    if not allowed.services and not KINDS[kind].local:
        return Unsupported(kind, f"{title} keys are not used: this run is offline", "run it online")
    made: KeyProvider = import_module(f".{PROVIDERS[kind]}", __name__).make(environ, user)
    if allowed.identities:
        return made
    from .closed import Closed

    return Closed(made)


class _Providers(Turns, Mapping[str, KeyProvider]):
    """Makes each provider when it is first asked for, and keeps it."""

    def __init__(
        self, environ: Mapping[str, str], user: User, order: Sequence[str], allowed: Allowed
    ) -> None:
        super().__init__()
        self._allowed = allowed
        self._environ = dict(environ)
        self._user = user
        self._order = tuple(dict.fromkeys((*order, *KINDS)))
        self._made: dict[str, KeyProvider] = {}

    @in_turn
    def __getitem__(self, kind: str) -> KeyProvider:
        if kind not in self._made:
            self._made[kind] = _make(kind, self._environ, self._user, self._allowed)
        return self._made[kind]

    def __iter__(self) -> Iterator[str]:
        return iter(self._order)

    def __len__(self) -> int:
        return len(KINDS)

    def __contains__(self, kind: object) -> bool:
        return kind in KINDS

    def __getstate__(self) -> dict[str, object]:
        # Workers never ask the user, and what asks may be no more than a local function.
        user = replace(self._user, ask=None, notify=None, warn=None)
        return {**super().__getstate__(), "_user": user}

    def __repr__(self) -> str:
        return f"<providers for {', '.join(KINDS)}>"


def make_providers(
    environ: Mapping[str, str],
    user: User = User(),  # noqa: B008 - never changes
    order: Sequence[str] = (),
    allowed: Allowed = Allowed(),  # noqa: B008
) -> Mapping[str, KeyProvider]:
    """Return the providers of one run, by kind. Make them once: each looks for identities once.

    Can be pickled to start worker processes, under the same caution as `age.AgeProvider`.

    Args:
        environ: the environment in which identities are looked for, usually `os.environ`.
        user: whom to ask for passphrases; by default, what needs one stays closed.
        order: kinds of keys to try first, of those in `KINDS`.
        allowed: which keys may be used; by default, all.
    """
    return _Providers(environ, user, order, allowed)
