"""age recipients of every kind: how they look, and how to encrypt for them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import pyrage  # type: ignore[import-untyped]
from pyrage import x25519

from fluxsecrets.errors import RecipientError

from .host import Host

Sealer = Callable[[bytes], bytes]
"""Encrypts for one recipient: plain bytes in, binary age data out."""

AllowPlugin = Callable[[str], bool]
"""Whether a plugin of this name may run for a recipient."""

_PRIVATE = ("age-secret-key-", "age-plugin-", "-----begin")
_PUBLIC = re.compile(r"age1[0-9A-Za-z+._-]*")
_BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"


@dataclass(frozen=True, slots=True)
class RecipientContext:
    """What encrypting for a recipient may need beside its text."""

    host: Host
    allow_plugin: AllowPlugin


def parse_recipient(text: str, context: RecipientContext) -> Sealer:
    """Read a recipient; no key operation, and no plugin runs.

    Args:
        text: without blanks around it.
        context: for plugins.

    Raises:
        RecipientError: malformed, weak, or its plugin is missing or not allowed.
    """
    if text.lower().startswith(_PRIVATE):
        raise RecipientError(
            "a private key is where a recipient belongs",
            hint="put its public key there; if the private key was shared or committed, replace it",
        )
    for matches, parse in _KINDS:
        if matches(text):
            return parse(text, context)
    shown = f"{text!a} is" if _PRESENTABLE.fullmatch(text) and "SECRET" not in text.upper() else "it is"
    raise RecipientError(f"{shown} not an age recipient", hint="age recipients start with age1 or ssh-")


_PRESENTABLE = re.compile(r"[A-Za-z0-9._@+-]{1,32}")
"""What is a name, or a beginning: a longer text may be a key that nobody is to see."""


def abbreviate(recipient: str) -> str:
    """Shorten a recipient for people, such as `age1qx…7f`; what does not look public is not shown at all."""
    if recipient.startswith("ssh-"):
        word = recipient.partition(" ")[0]
        return f"{word[:24]} …" if word.isascii() and word.isprintable() else "ssh-…"
    if _PUBLIC.fullmatch(recipient):
        return f"{recipient[:6]}…{recipient[-2:]}" if len(recipient) > 12 else recipient
    return "(not shown)"


def _x25519(text: str, _context: RecipientContext) -> Sealer:
    try:
        recipient = x25519.Recipient.from_str(text)
    except pyrage.RecipientError:
        recipient = None
    if recipient is None:
        raise _malformed("age recipient", text, "its checksum does not match")
    # pyrage panics on these.
    if is_weak_point(_point(text)):
        raise RecipientError(
            f"age recipient {abbreviate(text)} is a weak key that protects nothing",
            hint="ask its holder for a recipient that age-keygen made",
        )
    return partial(_encrypt, recipient)


def _tagged(text: str, _context: RecipientContext) -> Sealer:
    kind = pyrage.tagpq if text.startswith("age1tagpq1") else pyrage.tag
    try:
        recipient = kind.Recipient.from_str(text)
    except pyrage.RecipientError:
        recipient = None
    if recipient is None:
        raise _malformed("age recipient", text, "its checksum does not match")
    return partial(_encrypt, recipient)


def _post_quantum(text: str, _context: RecipientContext) -> Sealer:
    from .agefile import seal
    from .postquantum import parse_recipient as parse

    try:
        wrap = parse(text)
    except ValueError as error:
        reason = str(error)
    else:
        return partial(seal, wrap=wrap)
    raise _malformed("post-quantum age recipient", text, reason)


def _ssh(text: str, _context: RecipientContext) -> Sealer:
    from .agefile import seal
    from .agessh import recipient
    from .sshkeys import parse_public

    try:
        if "\n" in text:
            raise ValueError("it has several lines")  # noqa: TRY301
        wrap = recipient(parse_public(text))
    except ValueError as error:
        reason = str(error)
    else:
        return partial(seal, wrap=wrap)
    raise _malformed("SSH recipient", text, reason)


def _plugin(text: str, context: RecipientContext) -> Sealer:
    from .agefile import seal
    from .plugins import is_installed, recipient_plugin, wrap_with_plugin

    try:
        name = recipient_plugin(text)
    except ValueError as error:
        name, reason = "", str(error)
    if not name:
        raise _malformed("age plugin recipient", text, reason)
    if not context.allow_plugin(name):
        raise RecipientError(
            f"the recipient {abbreviate(text)} would run age-plugin-{name}, which is not allowed",
            hint=f"allow the plugin {name} in the configuration if you trust it, or remove the recipient",
        )
    if not is_installed(context.host, name):
        raise RecipientError(
            f"the recipient {abbreviate(text)} needs age-plugin-{name}, which is not installed",
            hint=f"install age-plugin-{name} in a folder of PATH, or remove the recipient",
        )
    return partial(seal, wrap=partial(wrap_with_plugin, context.host, text))


# The first that matches decides (sops: age/keysource.go, parseRecipient). A plugin's recipient is
# `age1name1...`: bech32 data has no `1`, so a second one ends a name. Two such names are part of age
# itself by now, and need no program for encrypting (age: tag/tag.go).
_KINDS: tuple[tuple[Callable[[str], bool], Callable[[str, RecipientContext], Sealer]], ...] = (
    (lambda text: text.startswith("age1pq1"), _post_quantum),
    (lambda text: text.startswith(("age1tag1", "age1tagpq1")), _tagged),
    (lambda text: text.startswith("age1") and text.count("1") > 1, _plugin),
    (lambda text: text.startswith("age1"), _x25519),
    (lambda text: text.startswith("ssh-"), _ssh),
)


def _encrypt(recipient: object, secret: bytes) -> bytes:
    try:
        sealed: bytes = pyrage.encrypt(secret, [recipient])
    except pyrage.EncryptError:
        sealed = b""
    if not sealed:
        raise RecipientError("the recipient cannot be encrypted for")
    return sealed


def _point(text: str) -> int:
    """Return the number in a valid X25519 recipient: 52 characters of 5 bits, then the checksum."""
    bits = 0
    for char in text[len("age1") : -6]:
        bits = bits << 5 | _BECH32.index(char)
    return int.from_bytes((bits >> 4).to_bytes(32, "big"), "little")


def _malformed(kind: str, text: str, reason: str) -> RecipientError:
    return RecipientError(
        f"malformed {kind} {abbreviate(text)}: {reason}",
        hint="it was cut off or mistyped: copy the whole recipient again",
    )


_P = 2**255 - 19
_LOW_ORDER = frozenset(
    {
        *(0, 1, _P - 1, _P, _P + 1),
        325606250916557431795983626356110631294008115727848805560023387167927233504,
        39382357235489614581723060781553021112529911719440698176882885853963445705823,
    }
)


def is_weak_point(point: int) -> bool:
    """Whether a public key, read as a little-endian number, is such a point; its top bit does not count."""
    return point & (2**255 - 1) in _LOW_ORDER
