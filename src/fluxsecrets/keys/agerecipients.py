"""What age recipients look like, and what encrypts for each kind."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial

from fluxsecrets.errors import RecipientError
from fluxsecrets.records import dataclass

from .agefile import Wrap, seal
from .host import Host

Sealer = Callable[[bytes], bytes]
"""Encrypts for one recipient: plain bytes in, binary age data out."""

AllowPlugin = Callable[[str], bool]
"""Whether a plugin of this name may run for a recipient."""

_PRIVATE = ("age-secret-key-", "age-plugin-", "-----begin")
_PUBLIC = r"age1[0-9A-Za-z+._-]*"


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
    shown = f"{text!a} is" if re.fullmatch(_PRESENTABLE, text) and "SECRET" not in text.upper() else "it is"
    raise RecipientError(f"{shown} not an age recipient", hint="age recipients start with age1 or ssh-")


def plugin_of(text: str) -> str | None:
    """Return the name of the plugin that a recipient needs, or None if age itself encrypts for it."""
    kind = next((parse for matches, parse in _KINDS if matches(text)), None)
    if kind is not _plugin:
        return None
    from .plugins import recipient_plugin

    try:
        return recipient_plugin(text)
    except ValueError:  # malformed: reading the file or the rule reports it
        return None


_PRESENTABLE = r"[A-Za-z0-9._@+-]{1,32}"
"""What is a name, or a beginning: a longer text may be a key that nobody is to see."""


def abbreviate(recipient: str) -> str:
    """Shorten a recipient for people, such as `age1qx…7f`; what does not look public is not shown at all."""
    if recipient.startswith("ssh-"):
        word = recipient.partition(" ")[0]
        return f"{word[:24]} …" if word.isascii() and word.isprintable() else "ssh-…"
    if re.fullmatch(_PUBLIC, recipient):
        return f"{recipient[:6]}…{recipient[-2:]}" if len(recipient) > 12 else recipient
    return "(not shown)"


def _x25519(text: str, _context: RecipientContext) -> Sealer:
    from .agex25519 import WeakRecipientError, parse_recipient

    def parse(text: str) -> Wrap:
        try:
            return parse_recipient(text)
        except WeakRecipientError:
            raise RecipientError(
                f"age recipient {abbreviate(text)} is a weak key that protects nothing",
                hint="ask its holder for a recipient that age-keygen made",
            ) from None

    return _sealer("age recipient", text, parse)


def _tagged(text: str, _context: RecipientContext) -> Sealer:
    from .agetag import parse_recipient

    return _sealer("age recipient", text, parse_recipient)


def _post_quantum(text: str, _context: RecipientContext) -> Sealer:
    from .postquantum import parse_recipient

    return _sealer("post-quantum age recipient", text, parse_recipient)


def _ssh(text: str, _context: RecipientContext) -> Sealer:
    from .agessh import recipient
    from .sshkeys import parse_public

    def parse(text: str) -> Wrap:
        if "\n" in text:
            raise ValueError("it has several lines")
        return recipient(parse_public(text))

    return _sealer("SSH recipient", text, parse)


def _sealer(kind: str, text: str, parse: Callable[[str], Wrap]) -> Sealer:
    try:
        wrap = parse(text)
    except ValueError as error:
        reason = str(error)
    else:
        return partial(seal, wrap=wrap)
    raise _malformed(kind, text, reason)


def _plugin(text: str, context: RecipientContext) -> Sealer:
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


def _malformed(kind: str, text: str, reason: str) -> RecipientError:
    return RecipientError(
        f"malformed {kind} {abbreviate(text)}: {reason}",
        hint="it was cut off or mistyped: copy the whole recipient again",
    )
