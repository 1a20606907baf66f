"""Who can open a data key: one provider a kind of key, made when it is first needed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from fluxsecrets.errors import RecipientError
from fluxsecrets.sops.envelope import KeyProvider, NotMine
from fluxsecrets.sops.metadata import Recipient, WrappedKey


@dataclass(frozen=True, slots=True)
class User:
    """What the user of this run can be asked, and has allowed.

    Attributes:
        ask: asks for a passphrase; None where there is nobody to ask. `prompt.ask_at_terminal` is one.
        notify: shows what a plugin has to say, such as to touch a device.
        warn: says what is wrong with a key file that can be used all the same.
        allowed_plugins: the age plugins that may run to encrypt for a recipient, see `age.AgeProvider`.
    """

    ask: Callable[[str], str] | None = None
    notify: Callable[[str], None] | None = None
    warn: Callable[[str], None] | None = None
    allowed_plugins: frozenset[str] | None = None


class Unsupported:
    """Stands for a kind of key that this version cannot use, so that files holding one can still be read."""

    def __init__(self, kind: str, name: str) -> None:
        """Take the kind's name in files, and its name for people."""
        self.kind = kind
        self._name = name

    def check(self, recipient: Recipient) -> None:
        """Refuse any recipient of this kind.

        Raises:
            RecipientError: always.
        """
        raise RecipientError(
            f"{self._name} keys are not supported by this version",
            hint="leave the recipient out, or encrypt this file with sops",
        )

    def wrap(self, recipient: Recipient, secret: bytes) -> WrappedKey:
        """Refuse to wrap.

        Raises:
            RecipientError: always.
        """
        self.check(recipient)
        raise AssertionError("check raises")

    def unwrap(self, key: WrappedKey) -> bytes | NotMine:
        """Answer that no identity is meant."""
        return NotMine(f"{self._name} keys are not supported by this version")

    def at_hand(self, recipient: Recipient) -> bool:
        """None is."""
        return False

    def own_recipients(self) -> frozenset[str]:
        """None that could be told of."""
        return frozenset()

    def search_further(self, recipients: Sequence[Recipient]) -> tuple[str, ...]:
        """Nowhere."""
        return ()

    def looked_in(self) -> tuple[str, ...]:
        """Nowhere."""
        return ()


def _age(environ: Mapping[str, str], user: User | None = None) -> KeyProvider:
    from .age import AgeProvider

    if user is None:
        return AgeProvider.from_environment(environ)
    return AgeProvider.from_environment(
        environ, ask=user.ask, notify=user.notify, warn=user.warn, allowed_plugins=user.allowed_plugins
    )


def _pgp(environ: Mapping[str, str]) -> KeyProvider:
    from .pgp import PgpProvider

    return PgpProvider(environ)


def _unsupported(kind: str, name: str) -> Callable[[Mapping[str, str]], KeyProvider]:
    return lambda _environ: Unsupported(kind, name)


PROVIDERS: Mapping[str, Callable[[Mapping[str, str]], KeyProvider]] = MappingProxyType(
    {
        "age": _age,
        "pgp": _pgp,
        "kms": _unsupported("kms", "AWS KMS"),
        "gcp_kms": _unsupported("gcp_kms", "Google Cloud KMS"),
        "hckms": _unsupported("hckms", "Huawei Cloud KMS"),
        "azure_kv": _unsupported("azure_kv", "Azure Key Vault"),
        "hc_vault": _unsupported("hc_vault", "HashiCorp Vault"),
    }
)
"""How to make the provider for each kind of key, by the kind's name in files, from an environment."""


class _Providers(Mapping[str, KeyProvider]):
    """Makes each provider when it is first asked for, and keeps it."""

    def __init__(self, environ: Mapping[str, str], user: User | None, order: Sequence[str]) -> None:
        self._environ = dict(environ)
        self._user = user
        self._order = tuple(dict.fromkeys((*order, *PROVIDERS)))
        self._made: dict[str, KeyProvider] = {}

    def __getitem__(self, kind: str) -> KeyProvider:
        if kind not in self._made:
            make = PROVIDERS[kind]
            self._made[kind] = _age(self._environ, self._user) if make is _age else make(self._environ)
        return self._made[kind]

    def __iter__(self) -> Iterator[str]:
        return iter(self._order)

    def __len__(self) -> int:
        return len(PROVIDERS)

    def __contains__(self, kind: object) -> bool:
        return kind in PROVIDERS

    def __getstate__(self) -> dict[str, object]:
        # Workers never ask the user, and what asks may be no more than a local function.
        user = None if self._user is None else replace(self._user, ask=None, notify=None, warn=None)
        return {**self.__dict__, "_user": user}

    def __repr__(self) -> str:
        return f"<providers for {', '.join(PROVIDERS)}>"


def make_providers(
    environ: Mapping[str, str], user: User | None = None, order: Sequence[str] = ()
) -> Mapping[str, KeyProvider]:
    """Give the providers of one run, by kind; make them once, since each looks for identities once.

    Can be pickled to start worker processes, under the same caution as `age.AgeProvider`.

    Args:
        environ: the environment in which identities are looked for, usually `os.environ`.
        user: whom to ask for passphrases; without, what needs one stays closed.
        order: kinds of keys to try first, of those in `PROVIDERS`.
    """
    return _Providers(environ, user, order)
