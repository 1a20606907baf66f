"""Data key <-> key groups, through key providers that are passed in."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

from fluxsecrets.errors import Attempt, DataKeyError, FluxsecretsError, LockedError, RecipientError, Tried
from fluxsecrets.namedtuples import NamedTuple

from .cipher import DataKey
from .metadata import KEY_KINDS, KeyGroup, Metadata, WrappedKey
from .recipients import KINDS, Recipient, is_same_key

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol
else:
    Protocol = object  # that of `typing` is for the type checker alone


class NotMine(NamedTuple):
    """A provider's reason why none of its identities opens a key, for people; not an error."""

    reason: str


class KeyProvider(Protocol):
    """Wraps and unwraps data keys for one kind of recipient.

    Instances are made once per run and look identities up once, however many files follow.
    """

    kind: str
    waits: bool
    """Whether wrapping and unwrapping wait for a service, in which time other files can be worked on."""

    def check(self, recipient: Recipient) -> None:
        """Raise RecipientError if the recipient is malformed; costs no key operation."""

    def wrap(self, recipient: Recipient, secret: bytes) -> WrappedKey:
        """Encrypt a data key or a share of one (32 or 33 bytes) for a recipient.

        Raises:
            RecipientError: malformed, or the provider could not encrypt for it.
        """

    def unwrap(self, key: WrappedKey) -> bytes | NotMine:
        """Decrypt a wrapped key, or report that it is for none of the identities at hand.

        Raises:
            IdentityError: an identity that should have opened it is unusable.
            IntegrityError: the wrapped key is damaged.
        """

    def at_hand(self, recipient: Recipient) -> bool:
        """Whether `unwrap` for this recipient would need neither a program nor the user."""

    def owns(self, recipient: Recipient) -> bool:
        """Whether the user can open what is encrypted for a recipient.

        Nobody is asked, and no service: a kind whose keys a service holds answers from its configuration.
        """

    def search_further(self, recipients: Sequence[Recipient]) -> tuple[str, ...]:
        """Run the commands that print keys, so that `owns` knows their identities.

        Returns:
            Places that may hold more identities, which only the user could open; nobody is asked.
        """

    def looked_in(self) -> tuple[str, ...]:
        """Where identities were looked for, one line per place, for the message when none opens a file."""


Providers = Mapping[str, KeyProvider]
"""Key providers by the kind of recipient, in the order in which kinds of keys are tried."""

RecipientGroups = tuple[tuple[Recipient, ...], ...]
"""Recipients by key group."""


def groups_needed(groups: RecipientGroups, threshold: int) -> int:
    """How many key groups it takes to open the data key; one group opens it alone, whatever the threshold."""
    return 1 if len(groups) <= 1 else threshold or len(groups)


Kept = Sequence[WrappedKey]
"""Wrapped keys that stay as they are, because they hold the very data key that is being wrapped."""


def kept_keys(metadata: Metadata, groups: RecipientGroups) -> Kept:
    """Return the keys of services that a file has, if the same data key is wrapped for the same recipient.

    A service need not be asked then, and a kind of key that can only be read is kept. With several key groups
    none stays: each gets a new share.
    """
    if len(groups) != 1 or len(metadata.key_groups) != 1:
        return ()
    return tuple(
        key
        for key in metadata.wrapped_keys
        if not KINDS[key.recipient.kind].local and any(is_same_key(key.recipient, each) for each in groups[0])
    )


def check_recipients(groups: RecipientGroups, providers: Providers, kept: Kept = ()) -> None:
    """Refuse groups without a usable recipient, before anything is written.

    Args:
        groups: recipients by key group.
        providers: by kind of recipient.
        kept: keys that are not wrapped again, so that their recipients need not be usable.

    Raises:
        RecipientError: no group, an empty group, or a recipient that is malformed or not supported.
    """
    if not any(groups):
        raise RecipientError(
            "there is no recipient to encrypt for",
            hint="name recipients in the creation rule of .sops.yaml, or with --age",
        )
    for group in groups:
        if not group:
            raise RecipientError("a key group has no recipient", hint="remove the empty group from the rule")
        for recipient in group:
            if _kept_for(recipient, kept) is None:
                _provider(recipient, providers).check(recipient)


def _kept_for(recipient: Recipient, kept: Kept) -> WrappedKey | None:
    return next((key for key in kept if is_same_key(key.recipient, recipient)), None)


def try_recipients(groups: RecipientGroups, providers: Providers) -> None:
    """Encrypt a throw-away key for each recipient, before a rule names it.

    `check_recipients` costs no key operation. So it doesn't know whether gpg has a key, a plugin is installed
    or a key service answers.

    Raises:
        RecipientError: a recipient can't be encrypted for.
    """
    check_recipients(groups, providers)
    for group in groups:
        wrap_data_key(DataKey.generate(), (group,), 1, providers)


def wrap_data_key(
    data_key: DataKey, groups: RecipientGroups, threshold: int, providers: Providers, kept: Kept = ()
) -> tuple[KeyGroup, ...]:
    """Encrypt a data key for all recipients; several groups get a Shamir share each.

    Args:
        data_key: the key.
        groups: recipients by group, see `check_recipients`.
        threshold: how many groups are needed to open; 0 stands for all; ignored for one group.
        providers: by kind of recipient.
        kept: from `kept_keys`, if the data key is the one that the file has.

    Raises:
        RecipientError: a recipient could not be encrypted for.
        UsageError: a threshold that is impossible.
    """
    secret = data_key.reveal()
    if len(groups) == 1:
        secrets: Sequence[bytes] = (secret,)
    else:
        from . import shamir

        secrets = shamir.split(secret, len(groups), threshold or len(groups))
    return tuple(
        KeyGroup(
            tuple(
                _kept_for(recipient, kept) or _provider(recipient, providers).wrap(recipient, share)
                for recipient in sorted(group, key=_place_in_file)
            )
        )
        for group, share in zip(groups, secrets, strict=True)
    )


def _place_in_file(recipient: Recipient) -> int:
    """Return the place of a recipient's list among those of a file: a group is read back in this order."""
    return KEY_KINDS.index(recipient.kind) if recipient.kind in KEY_KINDS else len(KEY_KINDS)


def open_data_key(
    metadata: Metadata,
    providers: Providers,
    order: Sequence[str] | None = None,
    *,
    opened: Callable[[Recipient], None] | None = None,
) -> DataKey:
    """Find the data key with the identities at hand.

    Args:
        metadata: of the encrypted file.
        providers: by kind of recipient.
        order: kinds of keys to try first, sops's `--decryption-order`; defaults to the providers' order.
        opened: is told whose key opened a group.

    Raises:
        DataKeyError: not enough groups could be opened; `tried` holds each key and why not.
        IntegrityError: what was opened is not a data key.
    """
    attempts: list[Attempt] = []
    shares: dict[int, bytes] = {}
    groups = metadata.key_groups
    # Anyone can change the threshold in a block, and one share is never the key.
    needed = 1 if len(groups) == 1 else max(2, metadata.shamir_threshold or len(groups))
    order = tuple(providers) if order is None else order
    # A group that opens here comes first: no service is asked for a share that is not needed.
    numbers: Sequence[int] = range(len(groups))
    if len(groups) > 1:
        numbers = sorted(numbers, key=lambda each: _cheapest(groups[each], providers, order))
    for number in numbers:
        answer = _open_group(number, groups[number], providers, order, attempts)
        if answer is not None:
            key, shares[number] = answer
            if opened is not None:
                opened(key.recipient)
        if len(shares) == needed:
            break
    if len(shares) < needed:
        raise _cannot_open(metadata, attempts, shares, needed, providers)
    if len(groups) == 1:
        return DataKey(shares[0])
    from . import shamir

    return DataKey(shamir.combine(tuple(shares.values())))


def _open_group(
    number: int, group: KeyGroup, providers: Providers, order: Sequence[str], attempts: list[Attempt]
) -> tuple[WrappedKey, bytes] | None:
    keys = sorted(group.keys, key=lambda each: _cost(each, providers, order))
    asked = sum(not KINDS[each.kind].local for each in attempts)
    skipped = False
    for key in keys:
        hint = ""
        if not KINDS[key.recipient.kind].local and (asked := asked + 1) > _MOST_ASKED:
            if not skipped:
                skipped = True
                hint = "keep those that are needed, in .sops.yaml and in the file"
                attempts.append(_attempt(number, key.recipient, _TOO_MANY, hint))
            continue
        try:
            answer = _provider(key.recipient, providers).unwrap(key)
        except FluxsecretsError as error:
            # One unusable key must not keep the others from being tried; it is shown with them.
            reason, hint, locked = str(error), error.hint or "", isinstance(error, LockedError)
        else:
            if not isinstance(answer, NotMine):
                return key, answer
            reason, locked = answer.reason, False
        attempts.append(_attempt(number, key.recipient, reason, hint, locked=locked))
    return None


_MOST_ASKED = 64
"""Keys of services that are asked for one file. Each costs requests with the user's credentials, and time."""

_TOO_MANY = "the file names too many keys of services: this one and those after it were not asked for"


def _attempt(number: int, recipient: Recipient, reason: str, hint: str, *, locked: bool = False) -> Attempt:
    from .naming import public_id, short_recipient  # nearly every file opens at once

    shown = short_recipient(recipient)
    return Attempt(number + 1, recipient.kind, public_id(recipient), shown, reason, hint, locked)


def _cost(key: WrappedKey, providers: Providers, order: Sequence[str]) -> tuple[int, bool]:
    """Return what puts keys in order: by kind; of one kind, those first that open without asking anybody."""
    kind = key.recipient.kind
    rank = order.index(kind) if kind in order else len(order)
    return rank, not (kind in providers and providers[kind].at_hand(key.recipient))


def _cheapest(group: KeyGroup, providers: Providers, order: Sequence[str]) -> tuple[int, bool]:
    return min((_cost(key, providers, order) for key in group.keys), default=(len(order), True))


def _cannot_open(
    metadata: Metadata,
    attempts: Sequence[Attempt],
    opened: Collection[int],
    needed: int,
    providers: Providers,
) -> DataKeyError:
    kinds = {key.recipient.kind for key in metadata.wrapped_keys}
    places = [place for kind in sorted(kinds) if kind in providers for place in providers[kind].looked_in()]
    groups = frozenset(number + 1 for number in opened)
    tried = Tried(len(metadata.key_groups), groups, tuple(attempts), tuple(dict.fromkeys(places)), needed)
    unanswered = any(not KINDS[each.kind].local for each in tried.locked)
    message = "none of your identities can open this file"
    if needed > 1:
        message = f"your identities open {len(opened)} of the {needed} key groups that this file needs"
        if unanswered:
            message += ", and a key service gave no answer"
    elif unanswered:
        message = "can't tell whether you can open this file: a key service gave no answer"
    hint = "follow a hint above, then run the command again"
    if not unanswered:
        hint = f"{_own_key_hint(metadata, attempts)}{_ask_hint(kinds)}"
    return DataKeyError(message, tried=tried, hint=hint)


def _ask_hint(kinds: Collection[str]) -> str:
    """Return whom to ask for what: a key that only a service has is shared by a permission."""
    if kinds and not any(KINDS[kind].local for kind in kinds):
        return "ask an owner of one of these keys for the permission to decrypt with it"
    return (
        "ask a holder of one of these keys to add your public key to .sops.yaml "
        "and to re-encrypt the file for you"
    )


def _own_key_hint(metadata: Metadata, attempts: Sequence[Attempt]) -> str:
    """Return how to use a private key of a kind that the file is encrypted for, as the start of a hint."""
    if any(each.hint and not KINDS[each.kind].local for each in attempts):
        return "follow a hint above, or "
    keys = [key.recipient for key in metadata.wrapped_keys]
    age = [key.id for key in keys if key.kind == "age"]
    if any(not text.startswith("ssh-") for text in age):
        return "set SOPS_AGE_KEY_FILE to your key file, or "
    if age:
        return "set SOPS_AGE_SSH_PRIVATE_KEY_FILE to your SSH key, or "
    if any(key.kind == "pgp" for key in keys):
        return "import your private key with `gpg --import`, or "
    return ""


def _provider(recipient: Recipient, providers: Providers) -> KeyProvider:
    provider = providers.get(recipient.kind)
    if provider is None:
        raise RecipientError(f"keys of the kind {recipient.kind} are not supported")
    return provider
