"""Explain how a file is encrypted: rule, recipients, selector, and the effect on each value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fluxsecrets.errors import FluxsecretsError, RecipientError, UnprotectedError
from fluxsecrets.files.reading import read_file
from fluxsecrets.flux.permissions import permission_for
from fluxsecrets.ops.policy.drift import Drift, differences
from fluxsecrets.ops.policy.policy import (
    FLUX_SELECTOR,
    Overrides,
    Policy,
    blaming_rule,
    override_notes,
    policy_for,
    selector_for,
)
from fluxsecrets.ops.run.inputs import Target, refuse_folder
from fluxsecrets.ops.run.names import names_of, read_public_keys
from fluxsecrets.ops.run.session import AppliedConfig, Session
from fluxsecrets.ops.run.targets import select
from fluxsecrets.shell import file_word
from fluxsecrets.sops.document import Document, Leaf, show_path
from fluxsecrets.sops.envelope import check_recipients
from fluxsecrets.sops.formats import make_format
from fluxsecrets.sops.selection import is_empty, selected, why_nothing
from fluxsecrets.sops.selectors import Selector

from .content import parse, refuse_leftovers


@dataclass(frozen=True, slots=True)
class RuleTried:
    """One creation rule, and whether it matches the file.

    Attributes:
        number: from 1.
        matched: it is the rule that applies.
        path_regex: its paths; None means all.
    """

    number: int
    line: int
    matched: bool
    path_regex: str | None


@dataclass(frozen=True, slots=True)
class ValueFate:
    """One value, and whether it is encrypted.

    Attributes:
        key: such as `data.password`.
        encrypted: it is, or would be, encrypted.
    """

    key: str
    line: int
    encrypted: bool


@dataclass(frozen=True, slots=True)
class Explanation:
    """Everything that applies to one file.

    Attributes:
        path: as shown to the user.
        encrypted: it is encrypted now.
        config: the `.sops.yaml` that applies, or None.
        relative_path: the path that path_regex matches against.
        rules: the tried rules, in order.
        narrow: the rule makes this file a secret; False if it only says how to encrypt one; None without a
            rule.
        groups: names of the recipients by key group.
        threshold: the number of groups needed; 0 for one group.
        selector: such as `encrypted_regex: ^(data|stringData)$`, or None after an error.
        selector_origin: where it comes from.
        needs: what it takes to decrypt with its keys that services hold, such as `kms:Decrypt on ARN`.
        values: every value, in order.
        problem: why the file can't be encrypted.
    """

    path: str
    format: str
    encrypted: bool
    config: str | None
    relative_path: str | None
    rules: tuple[RuleTried, ...]
    narrow: bool | None = None
    narrow_why: str = ""
    groups: tuple[tuple[str, ...], ...] = ()
    threshold: int = 0
    selector: str | None = None
    selector_origin: str = ""
    needs: tuple[str, ...] = ()
    values: tuple[ValueFate, ...] = ()
    warnings: tuple[str, ...] = ()
    problem: FluxsecretsError | None = None


def explain(session: Session, path: str, input_type: str | None = None) -> Explanation:
    """Explain one file. A problem that prevents encryption is part of the answer.

    Raises:
        FileAccessError: the file can't be read, or is a folder.
        FormatError: it does not match its format.
        ConfigError: the `.sops.yaml` is invalid.
    """
    refuse_folder(session, path)
    selection = select(session, [path], input_type=input_type)
    names, (target,) = read_public_keys(selection.root), selection.targets
    if target.problem is not None:
        raise target.problem
    applied = session.rules_for(target.path)
    rules = _rules(applied)
    content = read_file(target.path, limit=session.limits.size)
    format_ = make_format(target.format)
    try:
        document = parse(format_, content.data, session.limits)
    except FluxsecretsError as error:
        raise error.in_file(target.shown) from None
    facts: dict[str, Any] = {
        "path": target.shown,
        "format": target.format,
        "encrypted": document.metadata is not None,
        "config": applied.config.path if applied else None,
        "relative_path": applied.relative_path if applied else None,
        "rules": rules,
        "warnings": (
            *_warnings(session, target.path, applied),
            *override_notes(session, (target.path,), names),
        ),
    }
    if applied is not None and applied.rule is not None:
        facts["narrow"], facts["narrow_why"] = _narrow(session, target, content.data)
    try:
        policy = policy_for(session, target.path, Overrides())
        selector = selector_for(document, policy, kubernetes=not format_.single_value)
    except FluxsecretsError as error:
        return Explanation(**facts, problem=error.in_file(target.shown))
    chosen = selected(document, selector, single_value=format_.single_value)
    values = tuple(
        ValueFate(show_path(item.path), item.line, encrypts and not is_empty(item.value))
        for item, encrypts in chosen
        if isinstance(item, Leaf)
    )
    encrypts_some = any(encrypts for _, encrypts in chosen)
    names = {**names, **policy.names}
    facts["warnings"] = (
        *facts["warnings"],
        *_malformed(session, policy),
        *_differences(target, document, policy, selector, names),
    )
    return Explanation(
        **facts,
        groups=tuple(names_of((group,), names) for group in policy.groups),
        threshold=(policy.shamir_threshold or len(policy.groups)) if len(policy.groups) > 1 else 0,
        needs=tuple(dict.fromkeys(_needs(policy))),
        selector=f"{selector.spec.kind.value}: {selector.spec.pattern}",
        selector_origin=_origin(policy, selector.spec == FLUX_SELECTOR, single_value=format_.single_value),
        values=values,
        problem=None if encrypts_some or not values else _encrypts_nothing(target, selector),
    )


def _needs(policy: Policy) -> Iterator[str]:
    for recipient in (one for group in policy.groups for one in group):
        if (permission := permission_for(recipient)) is not None:
            role = f", through the role {permission.role}" if permission.role else ""
            yield f"{permission.action} on {permission.key}{role}"


def _malformed(session: Session, policy: Policy) -> Iterator[str]:
    try:
        with blaming_rule(policy):
            check_recipients(policy.groups, session.providers)
    except RecipientError as error:
        yield f"{error}; {error.hint}" if error.hint else str(error)


def _differences(
    target: Target, document: Document, policy: Policy, selector: Selector, names: Mapping[str, str]
) -> Iterator[str]:
    """Return the differences between an encrypted file and its rule."""
    if document.metadata is None:
        try:
            refuse_leftovers(document)
        except FluxsecretsError as error:
            yield f"{error.message}: {error.hint}"
        return
    path = file_word(target.shown)
    for drift, text in differences(document, policy, selector.spec, names).items():
        command = f"`fluxsecrets recipients sync {path}`"
        if drift is Drift.SELECTOR:
            command = f"`fluxsecrets decrypt -i {path}`, then `fluxsecrets encrypt {path}`"
        yield f"{text}; to follow the rule: {command}"


def _narrow(session: Session, target: Target, data: bytes) -> tuple[bool, str]:
    """Whether the rule that applies makes the file a secret, and why; see `repo.rulenames`."""
    from fluxsecrets.repo.rulenames import Files, RuleNames, exempt

    if session.config_path is not None:
        return False, "it is from --config, and only the repository's own rules make files secrets"
    root = target.repository.root if target.repository is not None else session.cwd
    if not target.path.is_relative_to(root.resolve()):
        return False, "the file is outside the repository"
    path = target.path.relative_to(root.resolve()).as_posix()
    names = RuleNames(Files(str(root)))
    naming = names.naming(path)
    if naming is None:
        return False, "it has no path_regex, or is from outside the repository"
    if naming.narrow and names.is_kept_plain(path):
        return False, "a file of this name or place is not a secret, whatever rule matches it"
    if naming.narrow and exempt(path, data):
        return False, "Kubernetes objects are secrets by their kind, not by a rule"
    return naming.narrow, naming.why


def _encrypts_nothing(target: Target, selector: Selector) -> FluxsecretsError:
    return UnprotectedError(
        f"the selector would encrypt nothing in this file: {why_nothing(selector)}",
        path=target.shown,
        hint="fix the selector in the rule, so that it matches the keys above the values",
    )


def _rules(applied: AppliedConfig | None) -> tuple[RuleTried, ...]:
    matches = applied.matches if applied is not None else ()
    return tuple(
        RuleTried(match.rule.index + 1, match.rule.line, match.matched, match.rule.path_regex)
        for match in matches
    )


def _origin(policy: Policy, is_flux_selector: bool, *, single_value: bool) -> str:
    if single_value:
        return "not used: the file is encrypted as a whole"
    if policy.selector is not None:
        return "from the rule"
    return "the default for a manifest, since the rule has none" if is_flux_selector else "sops's default"


def _warnings(session: Session, path: Path, applied: AppliedConfig | None) -> tuple[str, ...]:
    warnings = []
    here = session.find_config(session.cwd)
    found = session.find_config(path.parent)
    if here != found:
        shown = session.shown(here) if here is not None else "no configuration at all"
        warnings.append(
            f"sops, started in this folder, would use {shown}: it looks from the working directory upwards"
        )
    if applied is not None:
        unknown = [*applied.config.unknown]
        for match in applied.matches:
            unknown += match.rule.unknown
        warnings += [
            f"{applied.config.path}:{field.line}: the field {field.name!a} has no effect" for field in unknown
        ]
    return tuple(warnings)
