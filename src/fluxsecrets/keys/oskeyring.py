"""Age identities in the keyring of the operating system, through the optional Python package `keyring`.

No keyring can be asked what it holds. So a list beside the user's settings says which identities are in
it, by their public keys alone: a user without one never waits for a keyring, nor for the import.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from fluxsecrets.errors import FileAccessError, IdentityError, LockedError
from fluxsecrets.files.locks import exclusive
from fluxsecrets.files.private import make_private_folders
from fluxsecrets.files.reading import read_file
from fluxsecrets.files.writing import write_atomic

from .keyfile import IDENTITY_KINDS, AgeIdentity, StoredIdentity, parse_keys
from .keyfile import KEYRING as PLACE
from .unlocked import KEYRING as KIND
from .unlocked import keep, kept_for, needs_person

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

SERVICE = "fluxsecrets"

TIMEOUT = 60.0
"""Seconds for all that is asked of a keyring at once; the user may be typing a password to unlock it."""

MAX_LIST = 1024 * 1024
"""Bytes of the list."""

_QUIET = 2.0  # seconds before the user is told what is being waited for
_VERSION = 1
_MAX_USER_NAME = 128  # Windows takes no more than 337 letters for service and user name together
_PROTECTS = 1  # the least priority that keyring itself recommends; below are those that store plain text

Answer = TypeVar("Answer")
Notify = Callable[[str], None]


class KeyringError(LockedError):
    """The keyring could not be used.

    Attributes:
        note: why, in a few words, for the list of places that were looked in.
    """

    note = "not usable"


def parse_list(data: bytes, *, path: str) -> tuple[StoredIdentity, ...]:
    """Read the list.

    Raises:
        IdentityError: it is not one.
    """
    try:
        content = json.loads(data)
        if content["version"] != _VERSION:
            raise ValueError("version")  # noqa: TRY301
        return tuple(_entry(item) for item in content["identities"])
    except (ValueError, KeyError, TypeError, RecursionError):
        raise IdentityError(
            "this list of the identities in the OS keyring is damaged, or of a newer version",
            hint="restore it from a copy, or remove it and import the identities again",
            path=path,
        ) from None


def _entry(item: Any) -> StoredIdentity:
    recipient, kind = item["recipient"], item["kind"]
    texts = (recipient, kind, item.get("name") or "", item.get("created") or "")
    if not all(isinstance(text, str) and text.isprintable() for text in texts):
        raise ValueError("text")
    if kind not in IDENTITY_KINDS or not recipient:
        raise ValueError("kind")
    return StoredIdentity(recipient, kind, item.get("name"), item.get("created"))


def keyring_name(*, timeout: float = TIMEOUT) -> str:
    """Return the name of the keyring that would be used. It is not opened, so that nobody is asked.

    Raises:
        KeyringError: there is no keyring that protects what it stores, or it does not answer in time.
    """

    def look() -> str:
        backend = _first(_backend())
        _require_protection(backend)
        return str(backend.name)

    return _bounded(look, timeout, None)


def read_stored(
    stored: Sequence[StoredIdentity], *, timeout: float = TIMEOUT, notify: Notify | None = None
) -> tuple[tuple[AgeIdentity, ...], Mapping[str, IdentityError]]:
    """Take identities out of the keyring, all at once.

    Args:
        stored: from the list.
        timeout: seconds.
        notify: tells the user, after a while, what is being waited for.

    Returns:
        Those that are there, and what is wrong with the others, by their recipients.

    Raises:
        KeyringError: there is no keyring, or it is locked, fails, or does not answer in time.
    """
    secrets = _kept(stored) or _bounded(
        lambda: [_backend().get_password(SERVICE, _user_name(one.recipient)) for one in stored],
        timeout,
        notify,
    )
    found: list[AgeIdentity] = []
    problems: dict[str, IdentityError] = {}
    for one, secret in zip(stored, secrets, strict=True):
        identity = _checked(one, secret)
        if identity is not None:
            found.append(identity)
            keep(identity.secret.encode(), KIND, *_source(one))
        else:
            problems[one.recipient] = IdentityError(
                f"the OS keyring {'no longer holds it' if secret is None else 'holds something else'}",
                hint="import it again with `fluxsecrets keys import --store keyring KEYFILE`, "
                f"or take it off the list with `fluxsecrets keys remove {one.recipient}`",
            )
    return tuple(found), problems


def store(
    path: Path,
    identity: AgeIdentity,
    name: str | None,
    *,
    timeout: float = TIMEOUT,
    notify: Notify | None = None,
) -> bool:
    """Put an identity into the keyring, read it back, and add it to the list.

    Args:
        path: the list.
        identity: with its recipient.
        name: what to call it, or None.
        timeout: seconds.
        notify: tells the user, after a while, what is being waited for.

    Returns:
        Whether it is new: False where the keyring held it already.

    Raises:
        KeyringError: there is no keyring that protects what it stores, or it could not be used; the
            identity is not in it.
        IdentityError: whose identity it is cannot be told, or the list is damaged.
        FileAccessError: the list cannot be written.
    """
    if not identity.recipient:
        raise IdentityError(
            "the recipient of this plugin identity is unknown, so it could not be found again",
            hint="add a line `# public key: age1…` above it, or keep it in a key file",
        )
    user = _user_name(identity.recipient)

    def put() -> bool:
        backend = _first(_backend())
        _require_protection(backend)
        if backend.get_password(SERVICE, user) == identity.secret:
            return False
        backend.set_password(SERVICE, user, identity.secret)
        if backend.get_password(SERVICE, user) != identity.secret:
            raise _problem("it did not keep the identity", "not usable")
        return True

    path = Path(os.path.realpath(path))
    with _changing(path) as known:
        # On the list first: what is in the keyring and not on it would never be found again.
        others = [one for one in known if one.recipient != identity.recipient]
        entry = StoredIdentity(identity.recipient, identity.kind, name, identity.created)
        _write(path, [*others, entry])
        try:
            return _bounded(put, timeout, notify)
        except BaseException:
            _write(path, known)
            raise


def remove(path: Path, recipient: str, *, timeout: float = TIMEOUT, notify: Notify | None = None) -> bool:
    """Delete an identity from the keyring and the list.

    Returns:
        Whether it was on the list.

    Raises:
        KeyringError: the keyring could not be used; it may still hold the identity, and so the list does.
        IdentityError, FileAccessError: the list is damaged, or cannot be written.
    """
    user = _user_name(recipient)

    def delete() -> None:
        backend = _backend()
        if backend.get_password(SERVICE, user) is not None:
            backend.delete_password(SERVICE, user)
        if backend.get_password(SERVICE, user) is not None:
            raise _problem("it did not delete the identity", "not usable")

    path = Path(os.path.realpath(path))
    with _changing(path) as known:
        left = [one for one in known if one.recipient != recipient]
        if len(left) == len(known):
            return False
        _bounded(delete, timeout, notify)
        _write(path, left)
        return True


def _checked(stored: StoredIdentity, secret: str | None) -> AgeIdentity | None:
    """The identity, where it is the one that the list names."""
    if secret is None:
        return None
    data = f"# public key: {stored.recipient}\n{secret}".encode("utf-8", "replace")
    identities = parse_keys(data, origin=PLACE, path=PLACE).identities
    if len(identities) != 1 or identities[0].recipient != stored.recipient:
        return None
    (one,) = identities
    return AgeIdentity(one.secret, one.recipient, PLACE, stored.created, one.kind)


def _kept(stored: Sequence[StoredIdentity]) -> list[str] | None:
    """What an earlier run took out, if that is all: one that is missing has to be asked for."""
    kept = [kept_for(KIND, *_source(one)) for one in stored]
    found = [secret.decode("utf-8", "replace") for secret in kept if secret is not None]
    return found if len(found) == len(kept) else None


def _source(stored: StoredIdentity) -> tuple[bytes, ...]:
    """What decides what the keyring gives: the entry, and the variables that choose a keyring."""
    chosen = (f"{name}={os.environ.get(name, '')}" for name in _CHOOSE)
    texts = (SERVICE, _user_name(stored.recipient), stored.kind, stored.created or "", *chosen)
    return tuple(text.encode("utf-8", "surrogateescape") for text in texts)


_CHOOSE = ("PYTHON_KEYRING_BACKEND", "DBUS_SESSION_BUS_ADDRESS", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "HOME")


def _user_name(recipient: str) -> str:
    """What an entry is called; post-quantum recipients are longer than a keyring takes."""
    if len(recipient) <= _MAX_USER_NAME:
        return recipient
    return f"{recipient[:16]}-{hashlib.sha256(recipient.encode()).hexdigest()}"


def _backend() -> KeyringBackend:
    if sys.platform != "darwin":
        # keyring imports the back ends of all systems, and that of macOS has ctypes look for its libraries
        # with gcc and ld, which any entry of PATH can hold. A module that is None can't be imported.
        cast("dict[str, object]", sys.modules).setdefault("keyring.backends.macOS.api", None)
    try:
        import keyring
    except ImportError:
        raise _problem(
            "the Python package keyring is not installed",
            "needs fluxsecrets[keyring]",
            "install it: pip install 'fluxsecrets[keyring]'",
        ) from None
    return keyring.get_keyring()


def _first(backend: KeyringBackend) -> KeyringBackend:
    """Of several keyrings in one the first, which is asked first; the others may protect nothing."""
    return next(iter(getattr(backend, "backends", ())), backend)


def _require_protection(backend: KeyringBackend) -> None:
    from keyring.backends.fail import Keyring as NoKeyring

    if isinstance(backend, NoKeyring):
        raise _no_keyring()
    if float(backend.priority) < _PROTECTS:
        raise _problem(
            "the keyring that is set up here keeps what it is given in plain text, or not at all",
            "not usable",
            "keep identities in the key file: leave out `--store keyring`",
        )


def _bounded(work: Callable[[], Answer], timeout: float, notify: Notify | None) -> Answer:
    """Do what may never end in a thread that can be left alone; the process does not wait for it.

    Raises:
        KeyringError: it failed, or took too long.
    """
    needs_person("the OS keyring")
    answers: list[Answer] = []
    failures: list[BaseException] = []

    def run() -> None:
        try:
            answers.append(work())
        except BaseException as error:  # noqa: BLE001 - whatever a backend raises is told below
            failures.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(min(_QUIET, timeout))
    if thread.is_alive() and timeout > _QUIET:
        if notify is not None:
            notify("waiting for the OS keyring: it may be asking you to unlock it")
        thread.join(timeout - _QUIET)
    if answers:
        return answers[0]
    if failures:
        raise _told(failures[0]) from None
    raise _problem(f"it did not answer within {timeout:g} seconds", "did not answer", _UNLOCK)


def _told(error: BaseException) -> KeyringError:
    """What a backend raised, said by us: its own text might hold anything."""
    if isinstance(error, KeyringError):
        return error
    names = {kind.__name__ for kind in type(error).__mro__}
    if "NoKeyringError" in names or "InitError" in names:
        return _no_keyring()
    if "KeyringLocked" in names:
        return _problem("it is locked", "locked", _UNLOCK)
    return _problem(f"it failed ({type(error).__name__})", "failed", _UNLOCK)


def _no_keyring() -> KeyringError:
    return _problem(
        "this machine or session has none",
        "none on this machine",
        "on a server or in CI keep identities in a key file, or in SOPS_AGE_KEY",
    )


def _problem(reason: str, note: str, hint: str | None = None) -> KeyringError:
    error = KeyringError(f"the OS keyring cannot be used: {reason}", hint=hint)
    error.note = note
    return error


_UNLOCK = "unlock it, or keep identities in a key file"


# --- the list ------------------------------------------------------------------------------------------


@contextmanager
def _changing(path: Path) -> Iterator[tuple[StoredIdentity, ...]]:
    """The list while nobody else changes it."""
    make_private_folders(path.parent)
    with exclusive(path.with_name(f"{path.name}.lock")):
        yield read_list(path)


def read_list(path: Path) -> tuple[StoredIdentity, ...]:
    """Read the list, which is empty where the file does not exist.

    Raises:
        IdentityError: it is damaged.
        FileAccessError: it cannot be read.
    """
    try:
        return parse_list(read_file(path, limit=MAX_LIST).data, path=str(path))
    except FileAccessError:
        if path.exists():
            raise
        return ()


def _write(path: Path, stored: Iterable[StoredIdentity]) -> None:
    content = {
        "version": _VERSION,
        "identities": [
            {"recipient": one.recipient, "kind": one.kind, "name": one.name, "created": one.created}
            for one in stored
        ],
    }
    write_atomic(path, (json.dumps(content, indent=2) + "\n").encode("ascii"), mode=0o600)
