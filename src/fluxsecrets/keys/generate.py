"""New age identities, and key files to keep them in."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from fluxsecrets.errors import FileAccessError, IdentityError
from fluxsecrets.files.locks import exclusive
from fluxsecrets.files.reading import read_file
from fluxsecrets.files.reasons import reason_of
from fluxsecrets.files.writing import write_atomic, write_new

from .identities import config_folder, key_file_in
from .keyfile import MAX_KEY_FILE, AgeIdentity, parse_keys

if TYPE_CHECKING:
    from .keyfile import IdentityKind

_READ_LIMIT = 16 * MAX_KEY_FILE
"""Bytes; what is larger than a key file may be gets a better message from `parse_keys`."""


def generate_identity(now: datetime, *, post_quantum: bool = False) -> AgeIdentity:
    """Make a new identity.

    Args:
        now: when, with a time zone; it is kept to the second.
        post_quantum: a hybrid of ML-KEM-768 and X25519 instead of X25519 alone. Its recipient has 1,959
            characters, and is read by sops 3.12 and age 1.3, or newer.

    Raises:
        IdentityError: `post_quantum`, and this installation of cryptography has no ML-KEM.
    """
    created = now.isoformat(timespec="seconds").replace("+00:00", "Z")
    if post_quantum:
        from .postquantum import generate
    else:
        from .agex25519 import generate
    text, recipient = generate()
    kind: IdentityKind = "post-quantum" if post_quantum else "x25519"
    return AgeIdentity(text, recipient, "generated", created, kind)


def identity_text(identity: AgeIdentity) -> str:
    """Return an identity, secret and all, as it stands in a key file, commented as age-keygen does."""
    created = [f"# created: {identity.created}"] if identity.created else []
    return "\n".join([*created, f"# public key: {identity.recipient}", identity.secret, ""])


def default_key_file(environ: Mapping[str, str], platform: str, home: Path | None) -> Path:
    """Return the path of sops's own key file for this user; it need not exist.

    Raises:
        IdentityError: the environment names neither a configuration folder nor a home.
    """
    config = config_folder(environ, platform, home)
    if config is None:
        raise IdentityError(
            "the location of the key file is unknown",
            hint="set APPDATA" if platform == "win32" else "set HOME, or XDG_CONFIG_HOME to an absolute path",
        )
    return key_file_in(config)


def append_identity(path: Path, identity: AgeIdentity) -> bool:
    """Add an identity to a key file. A missing file is made (0600, its missing folders 0700).

    The file is replaced as a whole, so that a crash leaves the old one, and under a lock file beside it, so
    that two runs at once do not lose a key. Links are followed.

    Returns:
        Whether anything was written: False where the identity is already in the file.

    Raises:
        IdentityError: the file holds something else than identities, or is protected by a passphrase.
        FileAccessError: it cannot be read or written, or another run holds the lock.
        LimitError: it is far too large.
    """
    target = Path(os.path.realpath(path))
    _make_folders(target.parent, path)
    with _alone(target, path):
        if not os.path.lexists(target):
            write_new(target, identity_text(identity).encode("ascii"))
            return True
        old = read_file(target, limit=_READ_LIMIT)
        if any(known.recipient == identity.recipient for known in _parse(old.data, path)):
            return False
        write_atomic(target, with_identity(old.data, identity), mode=0o600, expected=old)
        return True


def has_identity(path: Path, recipient: str) -> bool:
    """Whether a key file holds an identity; one that does not exist holds none.

    Raises:
        IdentityError: the file holds something else than identities, or is protected by a passphrase.
        FileAccessError: it cannot be read.
    """
    target = Path(os.path.realpath(path))
    if not os.path.lexists(target):
        return False
    return any(one.recipient == recipient for one in _parse(read_file(target, limit=_READ_LIMIT).data, path))


def remove_identity(path: Path, recipient: str) -> bool:
    """Take an identity out of a key file, with the comments that belong to it; the rest stays as it is.

    A file in which nothing else is left is deleted. Links are followed.

    Returns:
        Whether it was there; a file that does not exist holds none.

    Raises:
        IdentityError: the file holds something else than identities, or is protected by a passphrase.
        FileAccessError: it cannot be read or written, or another run holds the lock.
    """
    target = Path(os.path.realpath(path))
    if not os.path.lexists(target):
        return False
    with _alone(target, path):
        old = read_file(target, limit=_READ_LIMIT)
        known = _parse(old.data, path)
        if not any(one.recipient == recipient for one in known):
            return False
        new = _without(old.data, known, recipient)
        if new.strip():
            write_atomic(target, new, mode=0o600, expected=old)
            return True
        try:
            target.unlink()
        except OSError as error:
            raise _not_writable(path, error) from None
        return True


def with_identity(data: bytes, identity: AgeIdentity) -> bytes:
    """The text of a key file with an identity added, which it does not hold yet."""
    gap = b"" if not data or data.endswith(b"\n") else b"\n"
    return data + gap + identity_text(identity).encode("ascii")


def without_identity(data: bytes, recipient: str) -> bytes:
    """The text of a key file without an identity and the comments that belong to it.

    Raises:
        IdentityError: it holds something else than identities.
    """
    return _without(data, _parse(data, Path("identities")), recipient)


def _without(data: bytes, known: tuple[AgeIdentity, ...], recipient: str) -> bytes:
    gone = {one.secret for one in known if one.recipient == recipient}
    lines: list[str] = []
    for line in data.decode("utf-8", "surrogateescape").splitlines(keepends=True):
        if line.strip().removeprefix("\ufeff") not in gone:
            lines.append(line)
            continue
        while lines and _OWN_COMMENT.match(lines[-1]):
            lines.pop()
    return "".join(lines).encode("utf-8", "surrogateescape")


_OWN_COMMENT = re.compile(r"\s*#\s*(?:created|public key|recipient):", re.IGNORECASE)
"""Comments that stand above an identity and are about it."""


def _parse(data: bytes, path: Path) -> tuple[AgeIdentity, ...]:
    keys = parse_keys(data, origin=str(path), path=str(path))
    if keys.problems:
        raise keys.problems[0]
    if keys.locked:
        raise IdentityError(
            "this key file is protected by a passphrase, and cannot be added to",
            hint="name another key file",
            path=str(path),
        )
    return keys.identities


def _make_folders(folder: Path, path: Path) -> None:
    try:
        missing = [one for one in (folder, *folder.parents) if not one.exists()]
        for one in reversed(missing):
            one.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise _not_writable(path, error) from None


@contextmanager
def _alone(target: Path, path: Path) -> Iterator[None]:
    """Keep other runs out; a run that was killed keeps nobody out."""
    with ExitStack() as stack:
        try:
            stack.enter_context(exclusive(target.with_name(f"{target.name}.lock"), keep=False))
        except FileAccessError as error:
            raise FileAccessError(
                f"cannot write this key file: {error.message.removeprefix('cannot be written: ')}",
                hint=error.hint or "check the permissions of the file and its folder",
                path=str(path),
            ) from None
        yield


def _not_writable(path: Path, error: OSError) -> FileAccessError:
    reason, hint = reason_of(error)
    return FileAccessError(
        f"cannot write this key file: {reason}",
        hint=hint or "check the permissions of the file and its folder",
        path=str(path),
    )
