"""Keys that a person unlocked, kept in memory so that the person is asked once.

A run notes here what a passphrase, the keyring, a plugin or gpg unlocked. The agent keeps these notes, and
its runs, which may ask nobody, read them. Each note is found by a digest of the locked material itself. So a
key file, a wrapped key or a keyring that was changed never gets an old answer.

The output of `SOPS_AGE_KEY_CMD` and keys that a service opened are not kept. The command or the service
decides each time who gets the key, and a copy would outlive a refusal.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType

from fluxsecrets.errors import NeedsPersonError
from fluxsecrets.namedtuples import NamedTuple


class Bounds(NamedTuple):
    """How much of one kind is kept.

    Attributes:
        entries: how many; the oldest makes room for a new one.
        least: bytes of one secret.
        most: bytes of one secret.
    """

    entries: int
    least: int
    most: int


KEY_FILE, SSH_KEY, KEYRING, PLUGIN = "key file", "SSH key", "keyring", "plugin"
PGP, ABSENT = "PGP", "PGP keys that are absent"

KINDS: Mapping[str, Bounds] = MappingProxyType(
    {
        KEY_FILE: Bounds(16, 1, 1024 * 1024),
        SSH_KEY: Bounds(16, 1, 64 * 1024),
        KEYRING: Bounds(256, 1, 16 * 1024),
        PLUGIN: Bounds(4096, 0, 16),
        PGP: Bounds(4096, 32, 33),
        ABSENT: Bounds(1024, 0, 1),
    }
)
"""What is kept, by its kind.

The text in an age key file with a passphrase; an SSH key without its passphrase; an identity of the OS
keyring. The file key that a plugin unwrapped, empty if no stanza is for its identity; the data key, or share
of one, that gpg unwrapped. That gpg lacks the secret keys of a message, and whether it has others: a file for
many people is tried with all of their keys.
"""

IDENTITIES = frozenset({KEY_FILE, SSH_KEY, KEYRING})
"""The kinds that are private keys. The others open one file each."""


class Unlocked:
    """Unlocked keys by kind and digest: bounded, wiped when forgotten, never pickled or shown.

    Python makes copies of bytes. Only the copy in here is wiped; it is the one that lasts.

    Attributes:
        asks: whether the run may ask a person, and start programs or use services that may. If not, it is
            ended with NeedsPersonError where it would.
        needed: whether that happened. Nothing that the run says after that counts.
    """

    __slots__ = ("_kept", "asks", "needed")

    def __init__(self, *, asks: bool = True) -> None:
        """Keep nothing yet."""
        self.asks = asks
        self.needed = False
        self._kept: dict[tuple[str, bytes], bytearray] = {}

    def get(self, kind: str, digest: bytes) -> bytes | None:
        """Return what is kept for a digest, or None."""
        secret = self._kept.get((kind, digest))
        return None if secret is None else bytes(secret)

    def add(self, kind: str, digest: bytes, secret: bytes | bytearray | memoryview) -> None:
        """Keep a copy of a secret. One that is larger than its kind may be is not kept."""
        bounds = KINDS[kind]
        if not bounds.least <= len(secret) <= bounds.most:
            return
        self._forget((kind, digest))
        of_kind = [key for key in self._kept if key[0] == kind]
        for key in of_kind[: max(0, len(of_kind) + 1 - bounds.entries)]:
            self._forget(key)
        self._kept[kind, digest] = bytearray(secret)

    @property
    def added(self) -> tuple[tuple[str, bytes], ...]:
        """Kind and digest of all that is kept, oldest first."""
        return tuple(self._kept)

    @property
    def counts(self) -> Mapping[str, int]:
        """How many of each kind are kept."""
        return Counter(kind for kind, _ in self._kept)

    def forget(self) -> None:
        """Wipe all secrets, and keep nothing."""
        for key in self.added:
            self._forget(key)

    def _forget(self, key: tuple[str, bytes]) -> None:
        secret = self._kept.pop(key, None)
        if secret is not None:
            secret[:] = bytes(len(secret))

    def __len__(self) -> int:
        return len(self._kept)

    def __repr__(self) -> str:
        return f"<{len(self)} unlocked keys, hidden>"

    def __reduce__(self) -> str:
        """Refuse to be pickled."""
        raise TypeError("unlocked keys are never serialised")


def digest_of(kind: str, *parts: bytes) -> bytes:
    """Return the digest under which a secret is kept.

    Args:
        kind: one of `KINDS`.
        parts: the locked material, and all else that decides what it opens to.
    """
    from hashlib import sha256

    sizes = b"".join(len(part).to_bytes(8, "big") for part in parts)
    return sha256(b"\0".join((kind.encode(), sizes, *parts))).digest()


_current: ContextVar[Unlocked | None] = ContextVar("unlocked", default=None)


@contextmanager
def keeping(unlocked: Unlocked) -> Iterator[Unlocked]:
    """Use and note unlocked keys in this context."""
    token = _current.set(unlocked)
    try:
        yield unlocked
    finally:
        _current.reset(token)


def current() -> Unlocked | None:
    """Return the unlocked keys of this context, or None, as usual."""
    return _current.get()


def kept_for(kind: str, *parts: bytes) -> bytes | None:
    """Return what was unlocked for this locked material, or None; see `digest_of`."""
    unlocked = _current.get()
    return None if unlocked is None or not len(unlocked) else unlocked.get(kind, digest_of(kind, *parts))


def keep(secret: bytes, kind: str, *parts: bytes) -> None:
    """Note what was unlocked, if this run keeps notes; see `digest_of`."""
    unlocked = _current.get()
    if unlocked is not None:
        unlocked.add(kind, digest_of(kind, *parts), secret)


def asks_nobody() -> bool:
    """Whether this run may ask nobody, and start nothing that may."""
    unlocked = _current.get()
    return unlocked is not None and not unlocked.asks


def needs_person(what: str) -> None:
    """Say that a person is needed, or a program or service that may ask one.

    Args:
        what: what would be asked or started, for `--debug`.

    Raises:
        NeedsPersonError: this run may ask nobody.
    """
    unlocked = _current.get()
    if unlocked is not None and not unlocked.asks:
        unlocked.needed = True
        raise NeedsPersonError(what)
