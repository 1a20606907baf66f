"""Where age identities are looked for: sops's places in its order, then the OS keyring.

Taken from sops: age/keysource.go, loadIdentities.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from fluxsecrets.errors import IdentityError
from fluxsecrets.marks import holds_private_key
from fluxsecrets.namedtuples import NamedTuple
from fluxsecrets.records import dataclass, field, replace

from .keyfile import KEYRING, MAX_KEY_FILE, AgeIdentity, StoredIdentity, parse_keys
from .unlocked import asks_nobody, needs_person

TYPE_CHECKING = False
if TYPE_CHECKING:  # loaded with the first SSH key
    from .sshkeys import PublicKey

KEY = "SOPS_AGE_KEY"
KEY_FILE = "SOPS_AGE_KEY_FILE"
KEY_COMMAND = "SOPS_AGE_KEY_CMD"
SSH_KEY_FILE = "SOPS_AGE_SSH_PRIVATE_KEY_FILE"
SSH_KEY_COMMAND = "SOPS_AGE_SSH_PRIVATE_KEY_CMD"

KEYRING_LIST = Path("fluxsecrets", "keyring.json")
"""Which identities are in the OS keyring, under the user's configuration folder."""

VARIABLES = (
    *(KEY, KEY_FILE, KEY_COMMAND, SSH_KEY_FILE, SSH_KEY_COMMAND),
    *("XDG_CONFIG_HOME", "HOME", "APPDATA", "USERPROFILE", "PATH"),
)
"""Every environment variable that the search looks at, and the one that finds programs."""

_LOCKED = "protected by a passphrase"
_WAITING = "asked when a file needs it"


@dataclass(frozen=True, slots=True)
class RawKeyFile:
    """A key file's bytes, and its permission bits where they mean something (a regular file), else None."""

    data: bytes = field(repr=False)
    mode: int | None = None


Reader = Callable[[Path], RawKeyFile]
"""Reads a key file up to `MAX_KEY_FILE` bytes and one more; raises OSError."""


@dataclass(frozen=True, slots=True)
class Place:
    """One place that was looked in.

    Attributes:
        name: a variable, or a path with `~` for the home folder.
        found: how many usable identities were in it.
        note: what else there is to say, such as `missing`.
        ssh_default: whether it is an SSH key that everybody has, and that nobody named.
    """

    name: str
    found: int = 0
    note: str | None = None
    ssh_default: bool = False

    def __str__(self) -> str:
        """Say what was found there, such as `SOPS_AGE_KEY_FILE (1 identity)`."""
        count = f"{self.found} {'identity' if self.found == 1 else 'identities'}"
        if self.note is None:
            text = count if self.found else "none"
        else:
            text = f"{count}, {self.note}" if self.found else self.note
        return f"{self.name} ({text})"


@dataclass(frozen=True, slots=True)
class LockedKeys:
    """Keys behind a passphrase, which is asked for when a file needs them.

    Attributes:
        name: the place, see `Place.name`.
        path: how to name it in errors.
        public: whose SSH key it is; None for a key file that age encrypted, which does not tell.
    """

    name: str
    path: str
    data: bytes = field(repr=False)
    public: PublicKey | None = None


@dataclass(frozen=True, slots=True)
class KeyCommand:
    """A command that prints keys, run when a file needs it.

    Attributes:
        name: the variable.
        command: its text; never shown, for it may hold anything.
        ssh: whether it prints an SSH key.
    """

    name: str
    command: str = field(repr=False)
    ssh: bool


class ExposedFile(NamedTuple):
    """A key file that others can read.

    Attributes:
        path: as it was named.
        mode: its permission bits.
    """

    path: str
    mode: int

    def __str__(self) -> str:
        """Return a warning."""
        return (
            f"{self.path}: this key file is open to group or others (mode {self.mode:04o}); "
            "run chmod 600 on it"
        )


@dataclass(frozen=True, slots=True)
class Found:
    """What one place gave."""

    place: Place
    identities: tuple[AgeIdentity, ...] = ()
    problems: tuple[IdentityError, ...] = ()
    exposed: tuple[ExposedFile, ...] = ()
    locked: LockedKeys | None = None
    command: KeyCommand | None = None
    stored: tuple[StoredIdentity, ...] = ()


@dataclass(frozen=True, slots=True)
class Lookup:
    """What one search found. Holds private keys: pass it to worker processes only, never write it.

    Attributes:
        identities: in the order of the places; the same key may come from two of them.
        places: what was looked in, variables that are not set left out.
        problems: what could not be read or understood. As in sops they do not stop a file from being
            opened with another identity, so the caller raises them if none opens it.
        exposed: key files that others can read.
        locked: keys behind a passphrase.
        commands: what has not been run yet.
        ssh_problems: those with the SSH keys that everybody has; they matter to files for SSH keys only.
        stored: what is in the OS keyring by the list beside it; not taken out yet.
    """

    identities: tuple[AgeIdentity, ...] = ()
    places: tuple[Place, ...] = ()
    problems: tuple[IdentityError, ...] = ()
    exposed: tuple[ExposedFile, ...] = ()
    locked: tuple[LockedKeys, ...] = ()
    commands: tuple[KeyCommand, ...] = ()
    ssh_problems: tuple[IdentityError, ...] = ()
    stored: tuple[StoredIdentity, ...] = ()

    @property
    def warnings(self) -> tuple[str, ...]:
        """What to know of key files that can be used all the same, one line each."""
        return tuple(str(each) for each in self.exposed)


def read_key_file(path: Path) -> RawKeyFile:
    """Read a key file, following links: the user named it.

    A pipe such as `<(command)` is read too, as sops does; `files.read_file` takes regular files only.

    Raises:
        OSError: missing, a folder, or not readable.
    """
    if asks_nobody() and not stat.S_ISREG(path.stat().st_mode):
        needs_person(str(path))  # a pipe can be read once; `/dev/fd/63` is another file in the agent
    with path.open("rb") as file:
        status = os.fstat(file.fileno())
        mode = stat.S_IMODE(status.st_mode) if stat.S_ISREG(status.st_mode) else None
        return RawKeyFile(file.read(MAX_KEY_FILE + 1), mode)


def home_folder(environ: Mapping[str, str], platform: str) -> Path | None:
    """Return the home folder as Go finds it, or None where the environment does not name one."""
    home = environ.get("USERPROFILE" if platform == "win32" else "HOME")
    return Path(home) if home else None


def config_folder(environ: Mapping[str, str], platform: str, home: Path | None) -> Path | None:
    """Return the user's configuration folder as sops finds it, or None where it cannot be told.

    On Windows `%APPDATA%`. Elsewhere `$XDG_CONFIG_HOME` (on macOS too, where Go by itself would not look
    at it; sops: age/keysource.go, getUserConfigDir), then macOS's `~/Library/Application Support` or
    `~/.config`. A relative `$XDG_CONFIG_HOME` counts on macOS only.

    Args:
        environ: the environment.
        platform: as `sys.platform` has it: `linux`, `darwin`, `win32`.
        home: the home folder, see `home_folder`.
    """
    if platform == "win32":
        roaming = environ.get("APPDATA")
        return Path(roaming) if roaming else None
    if xdg := environ.get("XDG_CONFIG_HOME"):
        return Path(xdg) if platform == "darwin" or xdg.startswith("/") else None
    if home is None:
        return None
    return home / "Library" / "Application Support" if platform == "darwin" else home / ".config"


def key_file_in(config: Path) -> Path:
    """Return sops's key file under a configuration folder."""
    return config / "sops" / "age" / "keys.txt"


def find_identities(
    environ: Mapping[str, str], *, platform: str, home: Path | None, read: Reader = read_key_file
) -> Lookup:
    """Look for age identities in every place, once.

    Args:
        environ: the environment; nothing else is asked for variables.
        platform: as `sys.platform` has it.
        home: the home folder, or None.
        read: reads a key file.

    Returns:
        All that was found; see `Lookup.problems` for what went wrong on the way.
    """
    found = [
        *_ssh_in_named_file(environ, platform, read),
        *_command(environ, SSH_KEY_COMMAND, ssh=True),
        *_ssh_in_default_files(platform, home, read),
        *_in_variable(environ),
        *_in_named_file(environ, platform, read),
        *_command(environ, KEY_COMMAND, ssh=False),
        *_in_default_file(environ, platform, home, read),
        *_in_keyring(environ, platform, home, read),
    ]
    return Lookup(
        identities=tuple(identity for one in found for identity in one.identities),
        places=tuple(one.place for one in found),
        problems=tuple(problem for one in found if not one.place.ssh_default for problem in one.problems),
        exposed=tuple(file for one in found for file in one.exposed),
        locked=tuple(one.locked for one in found if one.locked is not None),
        commands=tuple(one.command for one in found if one.command is not None),
        ssh_problems=tuple(problem for one in found if one.place.ssh_default for problem in one.problems),
        stored=tuple(entry for one in found for entry in one.stored),
    )


def age_keys(data: bytes, *, name: str, origin: str, path: str, words: bool = False) -> Found:
    """Read text with age identities, or a key file that age encrypted.

    Args:
        data: the text.
        name: see `Place.name`.
        origin: see `AgeIdentity.origin`.
        path: how to name the place in errors.
        words: see `parse_keys`.
    """
    keys = parse_keys(data, origin=origin, path=path, words=words)
    if keys.locked:
        return Found(Place(name, note=_LOCKED), locked=LockedKeys(name, path, data))
    note = "malformed" if keys.problems else None
    return Found(Place(name, len(keys.identities), note), keys.identities, keys.problems)


def ssh_key(data: bytes, *, name: str, origin: str, path: str, public_line: str | None = None) -> Found:
    """Read an SSH private key, with a passphrase or without.

    Args:
        data: the file.
        name: see `Place.name`.
        origin: see `AgeIdentity.origin`.
        path: how to name the place in errors.
        public_line: see `sshkeys.parse_private`.
    """
    if len(data) > MAX_KEY_FILE:
        problem = IdentityError(
            f"larger than {MAX_KEY_FILE // 1024} KiB, which no SSH key is",
            hint="check that this is the path of a private key",
            path=path,
        )
        return Found(Place(name, note="malformed"), problems=(problem,))
    from .sshkeys import parse_private

    try:
        key = parse_private(data, public_line=public_line, path=path)
    except IdentityError as error:
        return Found(Place(name, note="not usable"), problems=(error,))
    if key.locked:
        return Found(Place(name, note=_LOCKED), locked=LockedKeys(name, path, data, key.public))
    identity = AgeIdentity(key.text, str(key.public), origin, kind="ssh")
    return Found(Place(name, 1), (identity,))


def _command(environ: Mapping[str, str], name: str, *, ssh: bool) -> Iterator[Found]:
    value = environ.get(name)
    if value is None:
        return
    if not value.strip():
        yield Found(Place(name, note="set, but empty"))
        return
    if holds_private_key(value):
        yield _misplaced(name, "a command", f"use {KEY} for an age key itself, and unset {name}")
        return
    yield Found(Place(name, note=_WAITING), command=KeyCommand(name, value, ssh))


def _ssh_in_named_file(environ: Mapping[str, str], platform: str, read: Reader) -> Iterator[Found]:
    value = environ.get(SSH_KEY_FILE)
    if value is None:
        return
    if not value:
        yield Found(Place(SSH_KEY_FILE, note="set, but empty"))
        return
    if holds_private_key(value):
        yield _misplaced(
            SSH_KEY_FILE, "a path", "write the key to a file that only you can read, and name that"
        )
        return
    origin = f"{SSH_KEY_FILE} ({value})"
    yield _ssh_in_file(Path(value), SSH_KEY_FILE, origin, platform, read) or _missing(SSH_KEY_FILE, value)


def _ssh_in_default_files(platform: str, home: Path | None, read: Reader) -> Iterator[Found]:
    # ssh itself sees to the permissions of these: no warnings.
    if home is None:
        return
    for kind in ("id_ed25519", "id_rsa"):
        path = home / ".ssh" / kind
        name = with_tilde(path, home)
        found = _ssh_in_file(path, name, name, platform, read)
        if found is not None:
            yield replace(found, exposed=(), place=replace(found.place, ssh_default=True))
        else:
            yield Found(Place(name, note="missing", ssh_default=True))


def _ssh_in_file(path: Path, name: str, origin: str, platform: str, read: Reader) -> Found | None:
    raw = _read(path, name, read)
    if raw is None or isinstance(raw, Found):
        return raw
    line = None
    if not raw.data.startswith(b"-----BEGIN OPENSSH"):
        beside = _read(path.with_name(f"{path.name}.pub"), name, read)
        line = beside.data.decode("utf-8", "replace") if isinstance(beside, RawKeyFile) else None
    found = ssh_key(raw.data, name=name, origin=origin, path=str(path), public_line=line)
    return replace(found, exposed=_exposed(path, raw.mode, platform))


def _in_variable(environ: Mapping[str, str]) -> Iterator[Found]:
    value = environ.get(KEY)
    if value is not None:
        # Bytes that are no UTF-8 arrive as surrogates; they are no identity either way.
        yield age_keys(value.encode("utf-8", "replace"), name=KEY, origin=KEY, path=KEY, words=True)


def _in_named_file(environ: Mapping[str, str], platform: str, read: Reader) -> Iterator[Found]:
    value = environ.get(KEY_FILE)
    if value is None:
        return
    if not value:
        yield Found(Place(KEY_FILE, note="set, but empty"))
        return
    if holds_private_key(value):
        yield _misplaced(KEY_FILE, "a path", f"use {KEY} for the key itself, and unset {KEY_FILE}")
        return
    found = _in_file(Path(value), KEY_FILE, f"{KEY_FILE} ({value})", platform, read)
    yield found or _missing(KEY_FILE, value)


_TO_A_FILE = "write the key to a file that only you can read, and name that"


def _misplaced(variable: str, wanted: str, hint: str) -> Found:
    """A variable that holds a private key where something else belongs; the key is not repeated."""
    problem = IdentityError(f"{variable} holds a private key, not {wanted}", hint=hint)
    return Found(Place(variable, note=f"a private key, not {wanted}"), problems=(problem,))


def _missing(variable: str, value: str) -> Found:
    problem = IdentityError(
        f"{variable} names a file that does not exist",
        hint="~ is expanded by shells only: write the whole path"
        if value.startswith("~")
        else f"correct {variable}, or unset it",
        path=value,
    )
    return Found(Place(variable, note="missing"), problems=(problem,))


def _in_default_file(
    environ: Mapping[str, str], platform: str, home: Path | None, read: Reader
) -> Iterator[Found]:
    config = config_folder(environ, platform, home)
    if config is None:
        yield Found(Place("sops/age/keys.txt", note="no configuration folder is set"))
        return
    path = key_file_in(config)
    name = with_tilde(path, home)
    yield _in_file(path, name, name, platform, read) or Found(Place(name, note="missing"))


def _in_keyring(
    environ: Mapping[str, str], platform: str, home: Path | None, read: Reader
) -> Iterator[Found]:
    """What the list says; the keyring itself is asked only where a file needs it."""
    config = config_folder(environ, platform, home)
    raw = None
    if config is not None:
        path = config / KEYRING_LIST
        raw = _read(path, KEYRING, read)
    if raw is None:
        yield Found(Place(KEYRING))
    elif isinstance(raw, Found):
        yield raw
    else:
        from .oskeyring import parse_list  # threads and locks, where the keyring holds something

        try:
            stored = parse_list(raw.data, path=str(path))
        except IdentityError as error:
            yield Found(Place(KEYRING, note="its list is damaged"), problems=(error,))
        else:
            yield Found(Place(KEYRING, len(stored), _WAITING if stored else None), stored=stored)


def _in_file(path: Path, name: str, origin: str, platform: str, read: Reader) -> Found | None:
    """Read and parse one key file; None where there is no such file."""
    raw = _read(path, name, read)
    if raw is None or isinstance(raw, Found):
        return raw
    found = age_keys(raw.data, name=name, origin=origin, path=str(path))
    return replace(found, exposed=_exposed(path, raw.mode, platform))


def _read(path: Path, name: str, read: Reader) -> RawKeyFile | Found | None:
    """Read a key file; None where it does not exist, and the problem where it cannot be read."""
    try:
        return read(path)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = (error.strerror if isinstance(error, OSError) else None) or "not a usable path"
    problem = IdentityError(
        f"cannot read this key file: {reason.lower()}",
        hint="check its permissions and that it is a file",
        path=str(path),
    )
    return Found(Place(name, note="not readable"), problems=(problem,))


def _exposed(path: Path, mode: int | None, platform: str) -> tuple[ExposedFile, ...]:
    if platform == "win32" or mode is None or not mode & 0o066:
        return ()
    return (ExposedFile(str(path), mode),)


def with_tilde(path: Path, home: Path | None) -> str:
    """Return a path for people: `~/…` below the home folder."""
    if home is not None and path.is_relative_to(home):
        return f"~/{path.relative_to(home).as_posix()}"
    return str(path)
