"""Who a file is encrypted for and what is encrypted, as sops decides it: flags, then the creation rule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from fluxsecrets.cli.dropin.call import Call
from fluxsecrets.cli.dropin.codes import (
    CONFLICTING_PARAMETERS,
    GENERIC,
    INVALID_ENCRYPTION_CONTEXT,
    EmptyGroupError,
    failing_with,
    usage_error,
)
from fluxsecrets.cli.dropin.flags import RECIPIENT_FLAGS, SELECTOR_FLAGS
from fluxsecrets.ops.files.content import OpenedFile
from fluxsecrets.ops.policy.given import GivenRecipients, parse_context
from fluxsecrets.ops.policy.policy import Overrides, Policy, policy_for
from fluxsecrets.sops.config import CreationRule
from fluxsecrets.sops.recipients import Recipient
from fluxsecrets.sops.selectors import SelectorSpec, compile_selector, select_one


def file_policy(call: Call, path: Path) -> Policy:
    """What applies to a file that is to be encrypted.

    The absolute path stands for the file in creation rules.

    Raises:
        ConfigError: no recipients on the command line, and no rule; or a `.sops.yaml` without a rule for it.
        SelectorError, UsageError: several selectors, or an invalid one.
        RecipientError: a malformed recipient.
    """
    with failing_with(GENERIC):
        selector = _selector(call)
        rule = matching_rule(call, path)
        if selector is not None and rule is not None and rule.selector is not None:
            _refuse_two(selector, rule.selector)
        recipients = named_recipients({flag: (call.values.text(flag),) for flag in RECIPIENT_FLAGS}, call)
        if rule is not None and not rule.recipients and not recipients:
            raise _empty_group(call, path, rule)
        policy = policy_for(call.session, path, Overrides(recipients, selector))
    threshold = call.values.number("shamir-secret-sharing-threshold")
    return replace(
        policy,
        shamir_threshold=threshold or policy.shamir_threshold,
        mac_only_encrypted=policy.mac_only_encrypted or call.app.on("mac-only-encrypted"),
        stores=call.stores(),
    )


def _empty_group(call: Call, path: Path, rule: CreationRule) -> EmptyGroupError:
    applied = call.session.rules_for(path)
    return EmptyGroupError(
        f"{EmptyGroupError.words}: the creation rule names no recipient",
        path=None if applied is None else applied.config.path,
        line=rule.line,
        hint="add `age: age1…` to the rule, one for each person and cluster that must read the file",
    )


def matching_rule(call: Call, path: Path) -> CreationRule | None:
    """The creation rule for a file; None where there is no configuration, or one without rules.

    Raises:
        ConfigError: there are rules and none matches, or the configuration is invalid.
    """
    with failing_with(GENERIC):
        applied = call.session.rules_for(path)
        if applied is None:
            return None
        if applied.rule is None:
            raise call.session.no_rule_error(path, applied)
        return applied.rule


def own_policy(call: Call, opened: OpenedFile) -> Policy:
    """What an encrypted file says itself."""
    metadata = opened.metadata
    return Policy(
        groups=metadata.recipients,
        shamir_threshold=metadata.shamir_threshold,
        selector=metadata.selector,
        mac_only_encrypted=metadata.mac_only_encrypted,
        stores=call.stores(),
    )


def named_recipients(texts: Mapping[str, Sequence[str]], call: Call) -> tuple[Recipient, ...]:
    """Recipients that flags name, each once; their servers may get credentials.

    Args:
        texts: by flag, without `add-` and `rm-`; each text is one or several, separated by commas.
        call: has `--aws-profile` and `--encryption-context`.

    Raises:
        RecipientError: one is malformed.
        UsageError: the encryption context is.
    """
    values = call.values
    context = values.text("encryption-context")
    with failing_with(INVALID_ENCRYPTION_CONTEXT):
        parse_context(context)
    by_kind = {kind: texts.get(flag, ()) for flag, kind in RECIPIENT_FLAGS.items()}
    named = GivenRecipients(by_kind, values.text("aws-profile"), context).parsed()
    call.session.named(named)
    return named


def _selector(call: Call) -> SelectorSpec | None:
    given = {field: text for flag, field in SELECTOR_FLAGS.items() if (text := call.values.text(flag))}
    with failing_with(CONFLICTING_PARAMETERS):
        selector = select_one(given)
    if selector is not None:
        compile_selector(selector)
    return selector


def _refuse_two(given: SelectorSpec, ruled: SelectorSpec) -> None:
    if given.kind is not ruled.kind:
        raise usage_error(
            f"--{given.kind.value.replace('_', '-')} and the rule's {ruled.kind.value} exclude each other",
            CONFLICTING_PARAMETERS,
            "leave out the flag, or take the selector out of the rule",
        )
