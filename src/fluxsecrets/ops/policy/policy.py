"""Who a file is encrypted for and what is encrypted in it: the rule, and what Flux needs on top.

Flux reads `apiVersion`, `kind` and `metadata` before it decrypts, so a selector that encrypts them, or
none at all, gives a manifest that cannot be applied.

A nested `.sops.yaml` overrides the rules above it; notes say for which files, and whom it lets in.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from collections.abc import Mapping as MappingABC
from contextlib import contextmanager
from pathlib import Path

from fluxsecrets.errors import ConfigError, FluxsecretsError, RecipientError, SelectorError, UnprotectedError
from fluxsecrets.marks import RULES_NAME
from fluxsecrets.namedtuples import NamedTuple
from fluxsecrets.ops.run.names import names_of
from fluxsecrets.ops.run.session import Session
from fluxsecrets.records import dataclass, field
from fluxsecrets.sops.config import CreationRule, lets_in, rule_for
from fluxsecrets.sops.document import Document, Leaf, Mapping, show_path
from fluxsecrets.sops.document import Sequence as ListNode
from fluxsecrets.sops.envelope import RecipientGroups
from fluxsecrets.sops.formats import StoresConfig, make_format
from fluxsecrets.sops.recipients import Recipient
from fluxsecrets.sops.selection import is_empty
from fluxsecrets.sops.selectors import (
    DEFAULT_SELECTOR,
    Selector,
    SelectorKind,
    SelectorSpec,
    compile_selector,
    select_one,
)

from .given import GivenRecipients
from .manifest import is_manifest
from .releases import refuse_releases

FLUX_SELECTOR = SelectorSpec(SelectorKind.ENCRYPTED_REGEX, "^(data|stringData)$")
"""What is encrypted in a Kubernetes manifest where the rule has no selector."""

_USE_FLUX_SELECTOR = (
    f"use `encrypted_regex: {FLUX_SELECTOR.pattern}` in the rule, "
    f"or --encrypted-regex '{FLUX_SELECTOR.pattern}'"
)

READ_BY_FLUX = ("apiVersion", "kind", "metadata")

_COMMENT_KINDS = (SelectorKind.ENCRYPTED_COMMENT_REGEX, SelectorKind.UNENCRYPTED_COMMENT_REGEX)


class Overrides(NamedTuple):
    """What the command line says in place of the creation rule.

    Attributes:
        recipients: in one group, or empty to take the rule's.
        selector: or None to take the rule's.
        mac_only_encrypted: the MAC covers encrypted values only, also where the rule does not say so.
    """

    recipients: tuple[Recipient, ...] = ()
    selector: SelectorSpec | None = None
    mac_only_encrypted: bool = False


@dataclass(frozen=True, slots=True)
class Policy:
    """What applies to a file.

    Attributes:
        shamir_threshold: how many groups are needed; 0 means all.
        selector: the rule's selector, or None.
        mac_only_encrypted: the MAC covers encrypted values only.
        names: recipient id -> name, from anchors in `.sops.yaml`.
        rule: the rule it was taken from, if any.
        config_path: the rule's file, as shown to the user.
    """

    groups: RecipientGroups
    shamir_threshold: int = 0
    selector: SelectorSpec | None = None
    mac_only_encrypted: bool = False
    names: MappingABC[str, str] = field(default_factory=dict)
    stores: StoresConfig = field(default_factory=StoresConfig)
    rule: CreationRule | None = None
    config_path: str | None = None


def make_overrides(
    recipients: GivenRecipients,
    selectors: MappingABC[str, str],
    *,
    mac_only_encrypted: bool = False,
) -> Overrides:
    """What a command line says, parsed.

    Args:
        recipients: as they are named.
        selectors: by field name, such as `encrypted_regex`.
        mac_only_encrypted: see `Overrides`.

    Raises:
        RecipientError, UsageError: a recipient or an encryption context is malformed.
        SelectorError: several selectors, or an invalid one.
    """
    found = recipients.parsed()
    selector = select_one(selectors)
    if selector is not None:
        compile_selector(selector)  # an invalid one is refused before any file is looked at
    return Overrides(found, selector, mac_only_encrypted)


@contextmanager
def blaming_rule(policy: Policy) -> Iterator[None]:
    """Name the creation rule where one of its recipients can't be encrypted for.

    Raises:
        RecipientError: that, with the rule's file and line.
    """
    try:
        yield
    except RecipientError as error:
        if error.path is None and policy.rule is not None and policy.config_path is not None:
            error.path, error.line = policy.config_path, policy.rule.line
        raise


def policy_for(session: Session, path: Path, overrides: Overrides) -> Policy:
    """What applies to a file by its creation rule and the command line.

    Args:
        session: the run.
        path: absolute; the file need not exist.
        overrides: explicit recipients or selector; explicit recipients need no rule.

    Raises:
        ConfigError: no `.sops.yaml`, no rule that matches, a rule without recipients, invalid rules.
    """
    applied = session.rules_for(path)
    rule = applied.rule if applied is not None else None
    if overrides.recipients:
        session.named(overrides.recipients)
        return Policy(
            groups=(overrides.recipients,),
            selector=overrides.selector or (rule.selector if rule else None),
            mac_only_encrypted=overrides.mac_only_encrypted or (rule is not None and rule.mac_only_encrypted),
            names=rule.names if rule else {},
            stores=applied.config.stores if applied else StoresConfig(),
        )
    if applied is None or rule is None:
        raise session.no_rule_error(path, applied)
    if not rule.recipients:
        raise ConfigError(
            "the creation rule names no recipient",
            path=applied.config.path,
            line=rule.line,
            hint="add `age: age1…` to the rule, one for each person and cluster that must read the file",
        )
    return Policy(
        groups=rule.key_groups,
        shamir_threshold=rule.shamir_threshold,
        selector=overrides.selector or rule.selector,
        mac_only_encrypted=overrides.mac_only_encrypted or rule.mac_only_encrypted,
        names=rule.names,
        stores=applied.config.stores,
        rule=rule,
        config_path=applied.config.path,
    )


def names_in_rule(session: Session, path: Path) -> MappingABC[str, str]:
    """Return the names of recipients by the anchors of the rule of a file, if there is a valid one."""
    try:
        rule = session.rule_for(path)
    except FluxsecretsError:
        return {}
    return rule.names if rule is not None else {}


def selector_for(document: Document, policy: Policy, *, kubernetes: bool = True) -> Selector:
    """The compiled selector for a document, checked against what Flux needs.

    Args:
        document: plain.
        policy: what applies to it.
        kubernetes: False leaves out Flux's needs, as the drop-in for sops does.

    Raises:
        SelectorError: an invalid pattern, with the place of the rule.
        UnprotectedError: a Secret in a List, or a selector that Flux could not work with.
    """
    manifests = [part for part in document.parts if is_manifest(part)] if kubernetes else []
    spec = policy.selector or (FLUX_SELECTOR if manifests else DEFAULT_SELECTOR)
    selector = _compile(spec, policy)
    for part in manifests:
        _refuse_list(part, document.format)
    if manifests:
        _refuse_for_flux(document, selector, policy)
        refuse_releases(document, manifests, selector)
    return selector


def _compile(spec: SelectorSpec, policy: Policy) -> Selector:
    try:
        return compile_selector(spec)
    except SelectorError as error:
        raise _at_rule(error, policy) from None


def _at_rule(error: FluxsecretsError, policy: Policy) -> FluxsecretsError:
    """Place an error at the rule, if it is the rule's selector that it is about."""
    if policy.rule is not None and policy.selector is not None and policy.rule.selector == policy.selector:
        error.path, error.line = policy.config_path, policy.rule.line
    return error


def is_secret_list(part: Mapping) -> bool:
    """Whether a document is a List with a Secret in it."""
    kind, items = part.get("kind"), part.get("items")
    if not isinstance(kind, Leaf) or not isinstance(kind.value, str) or not isinstance(items, ListNode):
        return False
    return kind.value == "SecretList" or (
        kind.value.endswith("List") and any(_is_secret(item) or _is_list(item) for item in items.items)
    )


def _is_list(item: object) -> bool:
    return isinstance(item, Mapping) and is_secret_list(item)


def _refuse_list(part: Mapping, format_name: str) -> None:
    kind = part.get("kind")
    if is_secret_list(part) and isinstance(kind, Leaf) and isinstance(kind.value, str):
        hint = "write each Secret to a file of its own, then encrypt those"
        if make_format(format_name).many_documents:
            hint = "add --split-lists to turn the list into YAML documents, and encrypt those"
        raise UnprotectedError(
            f"a Secret in a {kind.value} can't be encrypted for Flux: "
            "it takes the list apart and loses the sops block",
            line=kind.line,
            hint=hint,
        )


def _is_secret(item: object) -> bool:
    kind = item.get("kind") if isinstance(item, Mapping) else None
    return isinstance(kind, Leaf) and kind.value == "Secret"


def _refuse_for_flux(document: Document, selector: Selector, policy: Policy) -> None:
    spec = selector.spec
    if spec.kind in _COMMENT_KINDS:
        raise _at_rule(
            UnprotectedError(
                f"{spec.kind.value} does not work with Flux, where comments are lost before it decrypts",
                hint=_USE_FLUX_SELECTOR,
            ),
            policy,
        )
    for item in document.leaves:
        if item.path[0] in READ_BY_FLUX and selector.encrypts(item.path) and not is_empty(item.value):
            hint = _USE_FLUX_SELECTOR
            if spec == FLUX_SELECTOR:
                hint = "rename that key: a selector is matched with every key on the way to a value"
            raise _at_rule(
                UnprotectedError(
                    f"the selector {spec.kind.value} {spec.pattern!a} would encrypt {show_path(item.path)}, "
                    "and Flux could not apply the manifest",
                    line=item.line,
                    hint=hint,
                ),
                policy,
            )


@dataclass(frozen=True, slots=True)
class Override:
    """A nested configuration that decides for a file.

    Attributes:
        config: the `.sops.yaml` that applies, as shown.
        outer: the one further up, as shown.
        lets_in: recipients that only the nested one names.
    """

    config: str
    outer: str
    lets_in: tuple[Recipient, ...]


def override_notes(session: Session, paths: Iterable[Path], names: MappingABC[str, str]) -> tuple[str, ...]:
    """A sentence for each nested `.sops.yaml` that lets in somebody whom the one further up does not.

    Args:
        session: the run.
        paths: absolute paths of files.
        names: recipient -> name.
    """
    if session.config_path is not None:
        return ()
    counts: dict[Override, int] = {}
    outers: dict[Path, Path | None] = {}
    known: dict[str, Path | None] = {}
    for path in paths:
        nearest = session.find_config(path.parent, known)
        if nearest is not None and nearest not in outers:
            outers[nearest] = _outer(nearest)
        outer = outers[nearest] if nearest is not None else None
        found = _override(session, path, outer) if outer is not None else None
        if found is not None and found.lets_in:
            counts[found] = counts.get(found, 0) + 1
    return tuple(_note(each, count, names) for each, count in counts.items())


def _override(session: Session, path: Path, found: Path) -> Override | None:
    """Return what the user should know about a nested `.sops.yaml` that decides for a file, or None.

    Args:
        session: the run.
        path: absolute path of the file.
        found: the `.sops.yaml` further up.
    """
    try:
        applied = session.rules_for(path)
        if applied is None or applied.rule is None:
            return None
        outer = session.load_config(found)
    except FluxsecretsError:
        return None  # which is said where the rule is needed
    replaced = rule_for(outer, path.relative_to(found.parent).as_posix())
    people = lets_in(applied.rule, outer, () if replaced is None else (replaced,))
    return Override(applied.config.path, outer.path, people)


def _note(found: Override, count: int, names: MappingABC[str, str]) -> str:
    files = "1 file" if count == 1 else f"{count} files"
    people = ", ".join(names_of((found.lets_in,), names))
    return f"{found.config} decides for {files} in place of {found.outer}, and lets in {people}"


def _outer(nearest: Path) -> Path | None:
    """The next `.sops.yaml` above one, in the same repository."""
    folder = nearest.parent
    while not (folder / ".git").exists() and folder != folder.parent:
        folder = folder.parent
        if (folder / RULES_NAME).is_file():
            return folder / RULES_NAME
    return None
