"""What must hold whatever the input is."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import TypeVar

from fluxsecrets.errors import FluxsecretsError, UnprotectedError
from fluxsecrets.ops.files.content import open_file
from fluxsecrets.ops.files.encryption import encrypt_content
from fluxsecrets.ops.policy.policy import Policy
from fluxsecrets.sops.document import Comment, Data, Document, Entry, to_data
from fluxsecrets.sops.envelope import NotMine
from fluxsecrets.sops.formats import Format, Limits
from fluxsecrets.sops.metadata import WrappedKey
from fluxsecrets.sops.recipients import Recipient
from fluxsecrets.sops.selectors import SelectorKind, SelectorSpec
from fluxsecrets.sops.values import canonical_bytes

Result = TypeVar("Result")

MARKER = "hunter2-throwaway"
"""The value in the seeds that no message may show."""

LIMITS = Limits(size=2**18)
"""Small, so that slow inputs are slow for another reason than their size."""

NOW = "2026-11-23T10:11:12Z"

_SELECTORS = (
    None,
    SelectorSpec(SelectorKind.ENCRYPTED_REGEX, "^(data|stringData)$"),
    SelectorSpec(SelectorKind.UNENCRYPTED_REGEX, "^(kind|metadata|b)$"),
    SelectorSpec(SelectorKind.ENCRYPTED_SUFFIX, "a"),
    SelectorSpec(SelectorKind.UNENCRYPTED_SUFFIX, "b"),
    SelectorSpec(SelectorKind.ENCRYPTED_COMMENT_REGEX, "[a-m]"),
    SelectorSpec(SelectorKind.UNENCRYPTED_COMMENT_REGEX, "^ *[n-z]"),
)

# Messages may show keys. Where the marker could be part of one, it is no leak to see it.
_MARKER_IN_A_NAME = re.compile(rb"%b[^\n\r]*[:=\]]|[\[{,?&*!][^\n\r]*%b" % ((MARKER.encode(),) * 2))


class Provider:
    """Wraps data keys without any cryptography, which would only take time from the parsers."""

    kind = "age"

    def check(self, recipient: Recipient) -> None:
        pass

    def wrap(self, recipient: Recipient, secret: bytes) -> WrappedKey:
        return WrappedKey(recipient, secret.hex())

    def unwrap(self, key: WrappedKey) -> bytes | NotMine:
        with suppress(ValueError):
            return bytes.fromhex(key.enc)
        return NotMine("not among your identities")

    def at_hand(self, recipient: Recipient) -> bool:
        return True

    def owns(self, recipient: Recipient) -> bool:
        return False

    def looked_in(self) -> tuple[str, ...]:
        return ()


PROVIDERS = {"age": Provider()}
_GROUPS = ((Recipient("age", "age1throwaway"),),)


class BrokenInvariantError(AssertionError):
    """Something that must hold does not; what the input was stays out of the text."""


def only_our_errors(data: bytes, function: Callable[[], Result]) -> Result | None:
    """Call a parser: it gives a result, or raises one of our errors, which shows no value.

    Returns:
        The result, or None where it raised.
    """
    try:
        return function()
    except FluxsecretsError as error:
        if "did not pass its own check" in error.message:
            raise BrokenInvariantError("what was encrypted could not be read back as it was") from error
        if MARKER in _shown(error) and not _MARKER_IN_A_NAME.search(data):
            raise BrokenInvariantError("a message shows a value") from error
        return None


def _shown(error: BaseException) -> str:
    """All that a message, a log or a traceback could show of an error and of those behind it."""
    texts = []
    current: BaseException | None = error
    while current is not None:
        texts += [str(current), repr(current), repr(vars(current)), repr(current.args)]
        current = current.__cause__ or current.__context__
    return "\n".join(texts)


def round_trip(format_: Format, data: bytes, choice: int) -> None:
    """A plain file that can be encrypted is, once decrypted again, what it was.

    Args:
        format_: reads and writes it.
        data: the file.
        choice: picks the selector and whether the MAC covers all.
    """
    document = only_our_errors(data, lambda: format_.parse(data, LIMITS))
    if document is None:
        return
    if document.metadata is not None:
        only_our_errors(data, lambda: open_file(format_, data, PROVIDERS, LIMITS))
        return
    policy = Policy(
        _GROUPS, selector=_SELECTORS[choice % len(_SELECTORS)], mac_only_encrypted=choice % 5 == 0
    )
    encrypted = only_our_errors(data, lambda: _encrypted(format_, data, policy))
    if encrypted is None:
        return
    everything = policy.selector is None and b"_unencrypted" not in data
    if everything and MARKER.encode() in encrypted and not _MARKER_IN_A_NAME.search(data):
        raise BrokenInvariantError("a value or a comment is still plain text")
    opened = open_file(format_, encrypted, PROVIDERS, LIMITS)
    again = format_.parse(opened.text(), LIMITS)
    if again.metadata is not None or not same(values(again), values(document)):
        raise BrokenInvariantError("decrypted, the file holds other values")
    merges = any("<<" in leaf.path for leaf in document.leaves)
    if not merges and [leaf.path for leaf in again.leaves] != [leaf.path for leaf in document.leaves]:
        raise BrokenInvariantError("decrypted, the file has its values in another order")
    if comments(again) != comments(document):
        raise BrokenInvariantError("decrypted, the file has other comments")
    if opened.opened.warnings and policy.selector is None:
        raise BrokenInvariantError("what was just encrypted is opened with a warning")


def _encrypted(format_: Format, data: bytes, policy: Policy) -> bytes | None:
    try:
        return encrypt_content(
            format_, data, policy, PROVIDERS, now=NOW, limits=LIMITS, kubernetes=False
        ).data
    except UnprotectedError as error:
        if error.message.startswith("the selector would encrypt nothing"):
            return None
        raise


def rendered(format_: Format, data: bytes) -> None:
    """What can be written anew in a format holds the same values, read again."""
    document = only_our_errors(data, lambda: format_.parse(data, LIMITS))
    if document is None or document.metadata is not None:
        return
    parts = values(document)
    if format_.name == "ini":  # where comments are all there is, they stand in a section without a header
        parts = [
            {key: value for key, value in part.items() if (key, value) != ("DEFAULT", {})}
            if isinstance(part, dict)
            else part
            for part in parts
        ]
    text = only_our_errors(data, lambda: format_.render(parts))
    if text is not None and not same(values(format_.parse(text, LIMITS)), parts):
        raise BrokenInvariantError("written anew, the file holds other values")


def values(document: Document) -> list[Data]:
    """What a document holds."""
    parts = [part for part in document.parts if any(isinstance(item, Entry) for item in part.entries)]
    return [to_data(part) for part in parts or document.parts[:1]]


def comments(document: Document) -> Counter[str]:
    """The lines of all comments, without what stands around them.

    INI joins comments that stand one below the other, and encrypting moves one below another.
    """
    found = (item.text for item in document.items if isinstance(item, Comment))
    lines = (line.strip(" \t\r#;") for text in found for line in text.split("\n"))
    return Counter(line for line in lines if line)


def same(first: Data | Sequence[Data], second: Data | Sequence[Data]) -> bool:
    """Equal in types too: `1`, `1.0`, `True` and `"1"` differ, and NaN is NaN."""
    if isinstance(first, dict) and isinstance(second, dict):
        return first.keys() == second.keys() and all(same(first[key], second[key]) for key in first)
    if isinstance(first, list) and isinstance(second, list):
        return len(first) == len(second) and all(map(same, first, second))
    if isinstance(first, dict | list) or isinstance(second, dict | list):
        return False
    return type(first) is type(second) and canonical_bytes(first) == canonical_bytes(second)  # type: ignore[arg-type]


def pieces(data: bytes, count: int) -> Iterator[bytes]:
    """Data cut at the zero bytes in it, for functions that take several texts."""
    found = data.split(b"\0", count - 1)
    yield from (*found, *[b""] * (count - len(found)))
