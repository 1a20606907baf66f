"""Text that holds age identities: a key file, or the value of `SOPS_AGE_KEY`."""

from __future__ import annotations

import re
from codecs import BOM_UTF8
from collections.abc import Callable, Iterator

from fluxsecrets.errors import IdentityError
from fluxsecrets.namedtuples import NamedTuple
from fluxsecrets.records import dataclass, field

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    IdentityKind = Literal["x25519", "post-quantum", "plugin", "ssh"]

IDENTITY_KINDS: tuple[IdentityKind, ...] = ("x25519", "post-quantum", "plugin", "ssh")

KEYRING = "OS keyring"
"""The name of that place, in messages."""

MAX_KEY_FILE = 1024 * 1024
"""Bytes; a larger file is not a key file."""

_MAX_PROBLEMS = 8
"""Lines reported for one file; a file of another kind would give one a line."""

_ENCRYPTED = (b"age-encryption", b"-----BEGIN AGE")
"""How sops tells an encrypted key file from lines with identities."""

_PUBLIC_COMMENT = r"#\s*(?i:public key|recipient):\s*(age1[0-9a-z+._-]+)"
"""How plugins note the recipient above an identity; compiled where it is used, which is rarely."""


@dataclass(frozen=True, slots=True)
class AgeIdentity:
    """A private key, and the recipient that it belongs to.

    Attributes:
        secret: the private key as it stands in a key file, or an SSH key without a passphrase; never shown.
        recipient: its public key; an SSH key without a comment; of a plugin's identity what the comment
            above it says, else empty, since only the plugin could tell.
        origin: where it was found, such as `SOPS_AGE_KEY_FILE (/run/key.txt), line 3`.
        created: RFC 3339 time, known only for identities that were just generated.
    """

    secret: str = field(repr=False)
    recipient: str
    origin: str
    created: str | None = None
    kind: IdentityKind = "x25519"


@dataclass(frozen=True, slots=True)
class StoredIdentity:
    """An entry of the list of identities in the keyring; nothing in it is secret.

    Attributes:
        name: the name that it was given, or None.
        created: when it was put there, in RFC 3339, or None.
    """

    recipient: str
    kind: IdentityKind = "x25519"
    name: str | None = None
    created: str | None = None


@dataclass(frozen=True, slots=True)
class ParsedKeys:
    """What a key file holds, line by line.

    Attributes:
        problems: lines that are none, with their line, without their content.
        locked: whether it is not lines at all, but a file that age encrypted with a passphrase.
    """

    identities: tuple[AgeIdentity, ...] = ()
    problems: tuple[IdentityError, ...] = ()
    locked: bool = False


class _IdentityKind(NamedTuple):
    """How identities of one kind look, and how to find their public key; None where they are malformed."""

    kind: IdentityKind
    name: str
    prefix: str
    recipient_of: Callable[[str], str | None]


def _x25519_recipient(secret: str) -> str | None:
    from .agex25519 import recipient_of

    return recipient_of(secret)


def _post_quantum_recipient(secret: str) -> str | None:
    from .postquantum import recipient_of

    return recipient_of(secret)


def _plugin_recipient(secret: str) -> str | None:
    from .plugins import identity_plugin

    try:
        identity_plugin(secret)
    except ValueError:
        return None
    return ""


# The first prefix that fits decides (sops: age/keysource.go, parseIdentity).
_KINDS = (
    _IdentityKind("post-quantum", "post-quantum identity", "AGE-SECRET-KEY-PQ-1", _post_quantum_recipient),
    _IdentityKind("plugin", "plugin identity", "AGE-PLUGIN-", _plugin_recipient),
    _IdentityKind("x25519", "age identity", "AGE-SECRET-KEY-1", _x25519_recipient),
)


def parse_keys(data: bytes, *, origin: str, path: str, words: bool = False) -> ParsedKeys:
    """Read identities, one a line; comments (`#`) and blank lines are skipped.

    Args:
        data: the file's bytes; UTF-8, with LF or CRLF.
        origin: how to name the place in `AgeIdentity.origin`.
        path: how to name the place in problems.
        words: a line may hold several identities with white space between, as in `SOPS_AGE_KEY`.

    Returns:
        Good lines and bad ones; it never raises, since one bad line need not stop the others from being used.
    """
    if len(data) > MAX_KEY_FILE:
        problem = IdentityError(
            f"larger than {MAX_KEY_FILE // 1024} KiB, which no age key file is",
            hint="check that this is the path of a key file",
            path=path,
        )
        return ParsedKeys(problems=(problem,))
    if data.startswith(_ENCRYPTED):
        return ParsedKeys(locked=True)
    if b"\0" in data:
        problem = IdentityError(
            "not a text file in UTF-8", hint="save it as UTF-8: Windows tools may write UTF-16", path=path
        )
        return ParsedKeys(problems=(problem,))

    identities: list[AgeIdentity] = []
    problems: list[IdentityError] = []
    comments: list[str] = []
    for number, entry in _entries(data, words=words):
        if entry.startswith("#"):
            comments.append(entry)
            continue
        kind = next((kind for kind in _KINDS if entry.startswith(kind.prefix)), None)
        if kind is None:
            problems.append(_stranger(entry, path, number))
            continue
        try:
            recipient = kind.recipient_of(entry)
        except IdentityError as error:
            problems.append(_at(error, path, number))
            continue
        if recipient is None:
            problems.append(
                IdentityError(
                    f"malformed {kind.name}: its checksum does not match",
                    hint="it was cut off or mistyped: copy the whole line again",
                    path=path,
                    line=number,
                )
            )
        else:
            known = recipient or _noted(comments)
            identities.append(AgeIdentity(entry, known, f"{origin}, line {number}", kind=kind.kind))
        comments.clear()
    return ParsedKeys(tuple(identities), tuple(problems[:_MAX_PROBLEMS]))


def _noted(comments: list[str]) -> str:
    """The recipient that the comments above a plugin's identity tell, the last one of several."""
    matches = [re.fullmatch(_PUBLIC_COMMENT, comment) for comment in comments]
    return next((match[1] for match in reversed(matches) if match), "")


def _at(error: IdentityError, path: str, line: int) -> IdentityError:
    return IdentityError(error.message, hint=error.hint, path=path, line=line)


def _entries(data: bytes, *, words: bool) -> Iterator[tuple[int, str]]:
    """Identities and comments, with their lines."""
    # A byte that is not UTF-8 becomes part of a line that is not an identity; a decoding
    # error would carry the file's content along.
    text = data.removeprefix(BOM_UTF8).decode("utf-8", errors="replace")
    for number, raw in enumerate(text.split("\n"), start=1):
        line = raw.strip()
        if not line:
            continue
        for entry in line.split() if words and not line.startswith("#") else [line]:
            yield number, entry


def _stranger(entry: str, path: str, number: int) -> IdentityError:
    message = "this line is not an age identity"
    hint = "a key file holds lines that start with AGE-SECRET-KEY-1, comments and blank lines"
    if entry.startswith(("age1", "ssh-")):
        message = "this line is a recipient, which is a public key, not an identity"
    elif "PRIVATE KEY-----" in entry:
        message = "this is a private key of another kind, not an age identity"
    return IdentityError(message, hint=hint, path=path, line=number)
