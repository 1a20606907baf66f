"""Compare two versions of a file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from fluxsecrets.merging.pairing import pair
from fluxsecrets.ops.run.session import Session
from fluxsecrets.sops.comparison import same_value
from fluxsecrets.sops.document import to_data
from fluxsecrets.sops.metadata import Metadata
from fluxsecrets.sops.recipients import Recipient, recipient_key
from fluxsecrets.sops.values import Value

from .aligning import aligned
from .masking import Masker, shape_of_ciphertext
from .model import (
    FileDiff,
    FileState,
    Masked,
    ReferenceDiff,
    Shape,
    ValueDiff,
    ValueState,
    Version,
)
from .names import Names
from .sides import Item, ItemKey, Part, Side, read_side

_SEALED_KIND = "sealed"

_Pair = tuple[Part | None, Part | None]


def compare(
    session: Session,
    before: Version | None,
    after: Version | None,
    *,
    masker: Masker | None = None,
    names: Names = Names(),  # noqa: B008 - frozen
    with_keys: bool = True,
    show_values: bool = False,
    no_guesses: bool = False,
) -> FileDiff:
    """Compare two versions of a file.

    Args:
        session: the run.
        before: the earlier version, or None for a new file; one of the two is given.
        after: the later version.
        masker: makes the tokens; the same one for all files whose tokens are to be comparable.
        names: of recipients.
        with_keys: decrypt what the identities at hand can decrypt, and check the MAC.
        show_values: put known values into the result.
        no_guesses: what is encrypted in one version only is not compared by its value.

    Raises:
        ConfigError, FileAccessError: `.fluxsecrets.yaml` is invalid, so it is unknown what may run.
    """
    one, two = _sides(session, before, after, with_keys=with_keys)
    given = two or one
    if given is None:
        raise ValueError("there is nothing to compare")
    added, removed = _recipients(one, two)
    found = FileDiff(
        path=given.info.path,
        old_path=one.info.path if one is not None and one.info.path != given.info.path else None,
        state=_state(one, two),
        before=None if one is None else one.info,
        after=None if two is None else two.info,
        recipients_added=tuple(map(names.of, added)),
        recipients_removed=tuple(map(names.of, removed)),
    )
    if found.state is FileState.UNREADABLE:
        return found
    values = _Values(masker or Masker(), show_values=show_values, no_guesses=no_guesses)
    pairs = list(_pairs(one.parts if one else (), two.parts if two else ()))
    found = replace(
        found,
        values=tuple(diff for each in pairs for diff in values.of(each)),
        references=tuple(diff for each in pairs for diff in _references(each)),
        comments=_comments_differ(one, two),
        new_data_key=_new_data_key(one, two),
    )
    if found.state is FileState.SAME and (found.differs or found.old_path is not None):
        found = replace(found, state=FileState.CHANGED if found.differs else FileState.RENAMED)
    return found


def _sides(
    session: Session, before: Version | None, after: Version | None, *, with_keys: bool
) -> tuple[Side | None, Side | None]:
    """Read both versions. If one is encrypted and the other is not, all values of that one count."""
    one, two = (
        None if each is None else read_side(session, each, with_keys=with_keys) for each in (before, after)
    )
    if before is None or after is None or one is None or two is None:
        return one, two
    if one.info.encrypted and not two.info.encrypted:
        two = read_side(session, after, with_keys=with_keys, everything=True)
    elif two.info.encrypted and not one.info.encrypted:
        one = read_side(session, before, with_keys=with_keys, everything=True)
    return one, two


def _state(one: Side | None, two: Side | None) -> FileState:
    if any(side is not None and not side.parts for side in (one, two)):
        return FileState.UNREADABLE
    if one is None or two is None:
        return FileState.ADDED if one is None else FileState.REMOVED
    if one.info.encrypted == two.info.encrypted:
        return FileState.SAME
    return FileState.ENCRYPTED if two.info.encrypted else FileState.DECRYPTED


def _pairs(before: Sequence[Part], after: Sequence[Part]) -> Iterator[_Pair]:
    """The documents that belong together: those of the later version in order, then removed ones."""
    if not before or not after:
        yield from ((None, part) for part in after)
        yield from ((part, None) for part in before)
        return
    first, second = ([to_data(part.node) for part in side] for side in (before, after))
    for found in pair(None, second, first):
        yield (
            None if found.theirs is None else before[found.theirs],
            None if found.ours is None else after[found.ours],
        )


class _Values:
    """Compares the values of parts."""

    def __init__(self, masker: Masker, *, show_values: bool, no_guesses: bool) -> None:
        self._masker, self._show, self._no_guesses = masker, show_values, no_guesses

    def of(self, parts: _Pair) -> Iterator[ValueDiff]:
        """What differs between two parts, in order."""
        before, after = parts
        first: Mapping[ItemKey, Item] = {} if before is None else before.items
        second: Mapping[ItemKey, Item] = {} if after is None else after.items
        first = aligned(first, second, no_guesses=self._no_guesses)
        for key in _in_order(first, second):
            one, two = first.get(key), second.get(key)
            if not _is_reported(one, two, whole=before is None or after is None):
                continue
            state = _value_state(one, two, no_guesses=self._no_guesses)
            if state is not None:
                yield self._diff(parts, key, state, one, two)

    def _diff(
        self, parts: _Pair, key: ItemKey, state: ValueState, one: Item | None, two: Item | None
    ) -> ValueDiff:
        before, after = parts
        there, item = (after, two) if two is not None else (before, one)
        return ValueDiff(
            part=there.number if there is not None else 0,
            object=there.shown if there is not None else "",
            path=key[0],
            line=None if item is None else item.line,
            state=state,
            before=self._masked(one),
            after=self._masked(two),
            encrypted_before=one is not None and one.encrypted,
            encrypted_after=two is not None and two.encrypted,
            plain_before=self._plain(one),
            plain_after=self._plain(two),
        )

    def _plain(self, item: Item | None) -> Value:
        return item.value if self._show and item is not None and item.known else None

    def _masked(self, item: Item | None) -> Masked | None:
        if item is None:
            return None
        if item.known:
            return self._masker.masked(item.value, encrypted=item.encrypted)
        return Masked(shape_of_ciphertext(item.text, base64=item.base64) or Shape(_SEALED_KIND), "")


def _is_reported(one: Item | None, two: Item | None, *, whole: bool) -> bool:
    """Of an object that was added or removed as a whole, only what is secret counts."""
    return not whole or any(item is not None and item.secret for item in (one, two))


def _value_state(one: Item | None, two: Item | None, *, no_guesses: bool) -> ValueState | None:
    """What became of a value, or None if nothing did."""
    if one is None or two is None:
        return ValueState.ADDED if one is None else ValueState.REMOVED
    if no_guesses and one.encrypted != two.encrypted:
        return ValueState.UNKNOWN
    same_text = one.encrypted == two.encrypted and one.text == two.text
    if one.known and two.known:
        if not same_value(one.value, two.value):
            return ValueState.CHANGED
        return None if same_text else ValueState.REENCRYPTED
    return None if same_text else ValueState.UNKNOWN


def _in_order(first: Iterable[ItemKey], second: Iterable[ItemKey]) -> list[ItemKey]:
    """The keys of the later version, and those of removed values behind what they followed."""
    places = {key: (number, 0) for number, key in enumerate(second)}
    last, behind = -1, 0
    for key in first:
        if key in places and places[key][1] == 0:
            last, behind = places[key][0], 0
        else:
            behind += 1
            places[key] = (last, behind)
    return sorted(places, key=places.__getitem__)


def _references(parts: _Pair) -> Iterator[ReferenceDiff]:
    before, after = parts
    first = {} if before is None else before.references
    second = {} if after is None else after.references
    there = after or before
    for key in dict.fromkeys((*first, *second)):
        one, two = first.get(key), second.get(key)
        source, other = (None if each is None else each[0] for each in (one, two))
        if there is not None and source != other:
            line = two[1] if two is not None else one[1] if one is not None else None
            yield ReferenceDiff(there.number, there.shown, key, line, source, other)


def _recipients(one: Side | None, two: Side | None) -> tuple[list[Recipient], list[Recipient]]:
    """The recipients that were added, and those that were removed."""
    first, second = (
        {}
        if side is None
        else {recipient_key(each): each for group in side.info.recipients for each in group}
        for side in (one, two)
    )
    return (
        [each for key, each in second.items() if key not in first],
        [each for key, each in first.items() if key not in second],
    )


def _new_data_key(one: Side | None, two: Side | None) -> bool | None:
    """Whether the data key differs; None if that can't be told.

    Two equal wrapped keys hold the same data key. The author of a file may give some recipients another one,
    so all that both versions have must be equal.
    """
    if one is None or two is None or one.metadata is None or two.metadata is None:
        return False
    if one.data_key is not None and two.data_key is not None:
        return one.data_key.reveal() != two.data_key.reveal()
    first, second = _wrapped(one.metadata), _wrapped(two.metadata)
    common = first.keys() & second.keys()
    return False if common and all(first[key] == second[key] for key in common) else None


def _wrapped(metadata: Metadata) -> dict[tuple[str, str], str]:
    return {recipient_key(key.recipient): key.enc for key in metadata.wrapped_keys}


def _comments_differ(one: Side | None, two: Side | None) -> bool | None:
    """Whether comments of an encrypted file differ; None if only their ciphertext is known to."""
    if one is None or two is None or not (one.info.encrypted and two.info.encrypted):
        return False
    if one.comments == two.comments:
        return False
    return True if one.info.opened and two.info.opened else None
