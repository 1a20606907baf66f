"""What an encrypted file says about itself, compared with what else is known of who may read it.

Nothing authenticates the `sops` block. Somebody who can change a file can add a recipient to it, and would
be handed the next data key, or narrow the selector, so that the next value stays plain. Everything that
encrypts by a file's own block therefore asks `judge` first, and stops at what is weaker. A creation rule
says who may read. Without one, only what lies outside of the file counts: the public keys in `keys/`, the
other rules, and the user's own identities. What git has of the file does not count: an injected recipient
may be committed like anything else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from fluxsecrets.errors import UnprotectedError
from fluxsecrets.ops.run.session import AppliedConfig, Session
from fluxsecrets.records import dataclass
from fluxsecrets.sops.config import CreationRule
from fluxsecrets.sops.document import Document
from fluxsecrets.sops.envelope import RecipientGroups, groups_needed
from fluxsecrets.sops.formats import format_for_path, make_format
from fluxsecrets.sops.metadata import Metadata
from fluxsecrets.sops.recipients import KINDS, Recipient, RecipientKey, recipient_key
from fluxsecrets.sops.selectors import DEFAULT_SELECTOR, SelectorKind, SelectorSpec, compile_selector

from .manifest import is_manifest
from .policy import FLUX_SELECTOR

_ENCRYPTED_ONLY = (SelectorKind.ENCRYPTED_REGEX, SelectorKind.ENCRYPTED_SUFFIX)


@dataclass(frozen=True, slots=True)
class Differences:
    """Where a file's own block is not what the creation rule says.

    Attributes:
        strangers: recipients of the file that the rule does not name, each once; without a rule, those that
            nothing but the file names.
        missing: recipients of the rule that the file is not encrypted for.
        selector_weaker: the file's selector is another, and may leave values plain that the rule's encrypts.
        threshold_lower: fewer people than the rule wants can open the file together: fewer key groups
            are needed, or somebody is in more groups.
        rule_place: `file:line` of the rule, or None if no rule names recipients.
        mac_weaker: the file's MAC covers encrypted values only, and the rule's all.
        selectors: the file's and the rule's, where one is weaker.
        thresholds: how many key groups are needed by the file and by the rule.
    """

    strangers: tuple[Recipient, ...] = ()
    missing: tuple[Recipient, ...] = ()
    selector_weaker: bool = False
    threshold_lower: bool = False
    rule_place: str | None = None
    mac_weaker: bool = False
    selectors: tuple[SelectorSpec, SelectorSpec] | None = None
    thresholds: tuple[int, int] = (1, 1)

    @property
    def weaker(self) -> bool:
        """Whether going on by the file's own block would protect less than is known to be right."""
        return bool(self.strangers) or self.selector_weaker or self.threshold_lower or self.mac_weaker


def compare_with_rule(
    session: Session, path: Path, metadata: Metadata, document: Document | None = None
) -> Differences:
    """Compare an encrypted file's block with the creation rule that applies to the file.

    Args:
        session: the run.
        path: absolute path of the file.
        metadata: its `sops` block.
        document: the file, where it was read: a rule without a selector then means exactly what Flux
            needs for a manifest and sops's default for others; without it either is taken.

    Returns:
        No difference where no rule applies, or one that names nobody: there is nothing to compare with.

    Raises:
        ConfigError: the `.sops.yaml` is invalid.
    """
    applied = session.rules_for(path)
    rule = applied.rule if applied is not None else None
    if applied is None or rule is None or not rule.recipients:
        return Differences()
    own = [recipient for group in metadata.recipients for recipient in group]
    in_rule = {recipient_key(recipient) for recipient in rule.recipients}
    in_file = {recipient_key(recipient) for recipient in own}
    format_ = make_format(document.format if document is not None else format_for_path(path.name))
    expected = None if format_.single_value else _weaker_than(metadata.selector, rule, document)
    thresholds = (
        groups_needed(metadata.recipients, metadata.shamir_threshold),
        groups_needed(rule.key_groups, rule.shamir_threshold),
    )
    return Differences(
        strangers=_unique([recipient for recipient in own if recipient_key(recipient) not in in_rule]),
        missing=_unique(
            [recipient for recipient in rule.recipients if recipient_key(recipient) not in in_file]
        ),
        selector_weaker=expected is not None,
        threshold_lower=thresholds[0] < thresholds[1]
        or (thresholds[1] > 1 and not _same_partition(metadata.recipients, rule.key_groups, in_rule)),
        rule_place=f"{applied.config.path}:{rule.line}",
        mac_weaker=metadata.mac_only_encrypted and not rule.mac_only_encrypted,
        selectors=None if expected is None else (metadata.selector, expected),
        thresholds=thresholds,
    )


def judge(session: Session, path: Path, metadata: Metadata, document: Document) -> Differences:
    """Compare an encrypted file's block with what may be relied on, before a key is wrapped by it.

    Args:
        session: the run; where no rule names anybody, its identities count as known.
        path: absolute path of the file.
        metadata: its `sops` block.
        document: the file.

    Raises:
        ConfigError: the `.sops.yaml` is invalid.
        GitError: the repository cannot be read.
    """
    applied = session.rules_for(path)
    rule = applied.rule if applied is not None else None
    if rule is not None and rule.recipients:
        return compare_with_rule(session, path, metadata, document)
    known = _known(session, path, applied)
    own = [recipient for group in metadata.recipients for recipient in group]
    single_value = make_format(document.format).single_value
    expected = None if single_value else _unruled(metadata.selector, rule, document)
    # A lower threshold needs no rule to be found: fewer shares than the key was split for give another key,
    # and nothing opens with that.
    return Differences(
        strangers=_unique(
            [
                recipient
                for recipient in own
                if recipient_key(recipient) not in known and not _is_own(session, recipient)
            ]
        ),
        selector_weaker=expected is not None,
        mac_weaker=metadata.mac_only_encrypted and not (rule is not None and rule.mac_only_encrypted),
        selectors=None if expected is None else (metadata.selector, expected),
    )


def refuse(differences: Differences, names: Mapping[str, str]) -> None:
    """Stop where a file's own block protects less than is known to be right.

    Args:
        differences: from `judge`.
        names: recipient -> name, for the message.

    Raises:
        UnprotectedError: strangers among the recipients, a weaker selector or a lower threshold; `details`
            shows each.
    """
    if not differences.weaker:
        return
    lines = difference_lines(differences, names)
    if differences.rule_place is None:
        what = "for somebody whom nothing but the file itself names"
        raise UnprotectedError(
            f"the file is encrypted {what if differences.strangers else 'in a way that no rule allows'}",
            details=[*lines, "no creation rule says who may read it"],
            hint="nothing proves who wrote a file's sops block: find out how it came there "
            "(`git log -p FILE`); then add a rule to .sops.yaml, or --accept-recipients if the file is right",
        )
    what = "is encrypted for somebody" if differences.strangers else "is protected in a way"
    raise UnprotectedError(
        f"the file {what} that the creation rule does not {'name' if differences.strangers else 'allow'}",
        details=[*lines, f"the rule is in {differences.rule_place}"],
        hint="nothing proves who wrote a file's sops block: find out how it came there (`git log -p FILE`); "
        "then fix the rule, or add --accept-recipients if the file is right",
    )


def accepted(differences: Differences, names: Mapping[str, str], *, accept: bool) -> list[str]:
    """Return warnings about what the user accepts, as with `--accept-recipients`.

    Args:
        differences: from `judge` or `compare_with_rule`.
        names: recipient -> name, for the messages.
        accept: the user does.

    Raises:
        UnprotectedError: the user doesn't, and there is something; see `refuse`.
    """
    if not accept:
        refuse(differences, names)
        return []
    return [f"accepted: {line}" for line in difference_lines(differences, names)]


def difference_lines(differences: Differences, names: Mapping[str, str]) -> list[str]:
    """What differs and is weaker, a line each, for people."""
    ruled = differences.rule_place is not None
    where = "in the file, not in the rule" if ruled else "in the file, and not in keys/ or a rule"
    from fluxsecrets.sops.naming import name_of  # start-up time: most often nothing differs

    lines = [f"{where}: {name_of(one, names)}" for one in differences.strangers]
    if differences.selectors is not None:
        own, expected = (f"{spec.kind.value}: {ascii(spec.pattern)[1:-1]}" for spec in differences.selectors)
        what = "the rule's" if ruled else "without a rule it"
        lines.append(f"the file's selector is {own}, {what} is {expected}")
    if differences.threshold_lower:
        own_count, rule_count = differences.thresholds
        if own_count < rule_count:
            lines.append(f"the file opens with {own_count} of its key groups, the rule wants {rule_count}")
        else:
            lines.append("the file's key groups mix people whom the rule keeps in groups of their own")
    if differences.mac_weaker:
        what = "the rule wants" if ruled else "it does without a rule"
        lines.append(f"the file has mac_only_encrypted, so that its MAC covers less than {what}")
    return lines


def _known(session: Session, path: Path, applied: AppliedConfig | None) -> frozenset[RecipientKey]:
    """Everybody whom the repository names, in `keys/` or in a rule for other files."""
    known = set(session.public_keys(path.parent))
    for rule in applied.config.rules if applied is not None else ():
        known.update(recipient_key(recipient) for recipient in rule.recipients)
    return frozenset(known)


def _is_own(session: Session, recipient: Recipient) -> bool:
    """Whether a recipient is the user. Credentials for a service don't say whom its key is for."""
    return KINDS[recipient.kind].local and session.opens_any(((recipient,),))


def _unique(recipients: Sequence[Recipient]) -> tuple[Recipient, ...]:
    return tuple({recipient_key(recipient): recipient for recipient in reversed(recipients)}.values())[::-1]


def _same_partition(own: RecipientGroups, ruled: RecipientGroups, known: set[RecipientKey]) -> bool:
    """Whether each group of the file is within a group of the rule that no other group is within.

    Strangers are left out of it; they are reported by themselves.
    """
    free = [{recipient_key(recipient) for recipient in group} for group in ruled]
    for group in own:
        keys = {recipient_key(recipient) for recipient in group} & known
        found = next((number for number, candidate in enumerate(free) if keys <= candidate), None)
        if found is None:
            return False
        free.pop(found)
    return True


def _weaker_than(own: SelectorSpec, rule: CreationRule, document: Document | None) -> SelectorSpec | None:
    """Return the rule's selector if the file's may encrypt less, or None."""
    if rule.selector is not None:
        # sops's default encrypts all but what is marked, and so no less than a list of what to encrypt.
        fine = own == rule.selector or (own == DEFAULT_SELECTOR and rule.selector.kind in _ENCRYPTED_ONLY)
        return None if fine else rule.selector
    if own == DEFAULT_SELECTOR:
        return None
    manifests = document is None or any(is_manifest(part) for part in document.parts)
    if own == FLUX_SELECTOR and manifests:
        return None
    return FLUX_SELECTOR if document is not None and manifests else DEFAULT_SELECTOR


def _unruled(own: SelectorSpec, rule: CreationRule | None, document: Document) -> SelectorSpec | None:
    """What the selector has to be where no rule names anybody, if the file's may encrypt less than that.

    A selector that picks the maps of a Secret's values covers whatever is put into them later. One that picks
    values by their own names need not, and nothing outside of the file says that it is right.
    """
    if rule is not None and rule.selector is not None:
        return _weaker_than(own, rule, document)
    if own == DEFAULT_SELECTOR:
        return None
    maps = [name for part in document.parts if is_manifest(part) for name in _VALUE_MAPS if part.get(name)]
    if not maps:
        return DEFAULT_SELECTOR
    picks = own.kind in _ENCRYPTED_ONLY and all(compile_selector(own).encrypts((name,)) for name in maps)
    return None if picks else FLUX_SELECTOR


_VALUE_MAPS = ("data", "stringData")
