"""A plan for a new environment: as a page of text, as a diff, and as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from fluxsecrets.ops.newenv.model import NewEnvironment, PlannedFile, RuleChange
from fluxsecrets.ops.people.keystore import NewKey
from fluxsecrets.shell import command_for, file_word

from .base import here
from .json import page
from .page import Lines, Note, Page, Warn
from .plandiff import planned_diff
from .text import printable

if TYPE_CHECKING:
    from .wire import environments as wire

_MOST = 12
"""Lines of one kind that are shown; --dry-run shows everything."""


def _warnings(plan: NewEnvironment) -> Iterator[Warn]:
    yield from (Warn(f"warning: {warning}") for warning in plan.warnings)


def _plan_page(plan: NewEnvironment) -> Page:
    yield from _warnings(plan)
    yield Lines([printable(line) for line in _plan(plan)])


def _dry_run_page(plan: NewEnvironment) -> Page:
    yield from _warnings(plan)
    yield from (Note(line) for line in _plan(plan))
    yield Lines(printable(line) for file in plan.files for line in _diff(file, plan))


def _dry_run_json(plan: NewEnvironment) -> Page:
    yield from _warnings(plan)
    yield from _json(plan, written=False)


def _added_page(plan: NewEnvironment, kept: NewKey | None) -> Page:
    if kept is not None:
        yield Note(
            f"the private key of {plan.key_name} was added to {kept.place}: back it up, anyone who has it "
            f"can read the secrets of {plan.name}"
        )
        yield from (Warn(f"warning: {warning}") for warning in kept.warnings)
    for number, step in enumerate(_next_steps(plan), start=1):
        yield Note(f"{'next:' if number == 1 else '     '} {number}. {step}")


def _added_json(plan: NewEnvironment, kept: NewKey | None) -> Page:
    yield from _json(plan, written=True)
    yield from _added_page(plan, kept)


PLAN_FORMATS: Mapping[str, Callable[[NewEnvironment], Page]] = {"text": _plan_page, "json": _warnings}
DRY_RUN_FORMATS: Mapping[str, Callable[[NewEnvironment], Page]] = {
    "text": _dry_run_page,
    "json": _dry_run_json,
}
ADDED_FORMATS: Mapping[str, Callable[[NewEnvironment, NewKey | None], Page]] = {
    "text": _added_page,
    "json": _added_json,
}


def _plan(plan: NewEnvironment) -> Iterator[str]:
    yield f"{plan.name} in {plan.root}, from {plan.source}"
    copied = [file for file in plan.files if file.origin is not None]
    folders = Counter(_folder(file.path, plan) for file in copied)
    yield f"  files         {len(copied)} new"
    yield from (f"    {folder}   {count}" for folder, count in sorted(folders.items()))
    if plan.secrets:
        yield f"  secrets       {_values(plan)}"
        for secret in plan.secrets:
            filled = f"{secret.filled} filled, encrypted" if secret.filled else ""
            left = f"to fill: {_keys(secret.to_fill)}" if secret.to_fill else ""
            seal = "to be sealed" if secret.sealed else ""
            yield f"    {secret.path}   {'; '.join(text for text in (filled, left, seal) if text)}"
    who = "a new identity" if plan.made else "the identity that you name"
    yield f"  key           {plan.key_name}, {who}"
    if plan.rules:
        yield "  rules"
        yield from (f"    {sentence}" for sentence in _rules(plan))
    if plan.decryption:
        yield "  decryption"
        yield from (f"    {sentence}" for sentence in _decryption(plan))
    if plan.shared:
        yield f"  shared        {plan.name} applies these as well"
        for path in plan.shared:
            note = "" if path in plan.granted else f"   {plan.name}'s cluster cannot read it"
            yield f"    {path}{note}"
    if plan.renamed:
        yield "  look over     words that were replaced, and may name something outside"
        shown = plan.renamed[:_MOST]
        yield from (f"    {each.path}:{each.line}   {each.old} → {each.new}" for each in shown)
        if len(plan.renamed) > len(shown):
            yield f"    and {len(plan.renamed) - len(shown)} more"


def _rules(plan: NewEnvironment) -> Iterator[str]:
    for change in plan.rules:
        yield f"{change.path}:{change.line}: {_rule_change(change, plan)}"


def _rule_change(change: RuleChange, plan: NewEnvironment) -> str:
    if change.named:
        return f"the key of {plan.key_name}"
    if change.pattern is None:
        return f"{plan.key_name} is added: {plan.word} applies secrets that follow this rule"
    like = f", like the one for {change.like}" if change.like is not None else ""
    return f"a rule for {change.pattern}{like}; for {', '.join(change.readers)}"


def _decryption(plan: NewEnvironment) -> Iterator[str]:
    for each in plan.decryption:
        yield f"{each.path}: the Kustomization {each.name} gets the Secret {each.secret}"


def _keys(keys: Sequence[str]) -> str:
    counted = Counter(key or "the file" for key in keys)
    return ", ".join(key if count == 1 else f"{key} ({count})" for key, count in counted.items())


def _values(plan: NewEnvironment) -> str:
    left = sum(len(secret.to_fill) for secret in plan.secrets)
    filled = sum(secret.filled for secret in plan.secrets)
    texts = [f"{left} {'value' if left == 1 else 'values'} to fill in"] if left else []
    texts += [f"{filled} filled and encrypted"] if filled else []
    count = len(plan.secrets)
    return f"{count} {'file' if count == 1 else 'files'}, {', '.join(texts)}"


def _folder(path: str, plan: NewEnvironment) -> str:
    """The folder that was named after the environment, or the file's own."""
    parts = path.split("/")
    return "/".join(parts[: parts.index(plan.word) + 1]) if plan.word in parts[:-1] else path


def _next_steps(plan: NewEnvironment) -> list[str]:
    """What is left to do, in order."""
    steps: list[str] = []
    if any(secret.to_fill for secret in plan.secrets):
        steps.append("put values in the place of REPLACE_ME")
    sealed = [file_word(secret.path) for secret in plan.secrets if secret.sealed]
    if sealed:
        steps.append(f"fluxsecrets seal {' '.join(sealed)} --cert CERTIFICATE")
    plain = [secret.path for secret in plan.secrets if secret.to_fill and not secret.sealed]
    if any(path not in plan.apart for path in plain):
        steps.append(command_for("encrypt", environment=plan.name))
    apart = [path for path in plain if path in plan.apart]
    if apart:
        steps.append(command_for("encrypt", apart))
    if plan.granted:
        steps.append(
            f"{command_for('recipients sync', environment=plan.name)}, for what both environments use"
        )
    secret = command_for("keys cluster-secret", environment=plan.name)
    steps.append(f"{secret} | kubectl apply --server-side -f -")
    return [printable(step) for step in steps]


def _diff(file: PlannedFile, plan: NewEnvironment) -> Iterator[str]:
    # A run that writes makes another key.
    fresh = {plan.recipient: f"(the new key of {plan.name})"} if plan.made else {}
    return planned_diff(file.path, file.old, file.new, fresh)


def _json(plan: NewEnvironment, *, written: bool) -> Page:
    base = here()
    data: wire.EnvironmentAdded = {
        "name": plan.name,
        "folder": plan.root,
        "source": plan.source,
        "written": written,
        "files": [
            {"path": base.path(file.path), "origin": file.origin, "new": file.old is None}
            for file in plan.files
        ],
        "secrets": [
            {
                "path": base.path(secret.path),
                "to_fill": list(secret.to_fill),
                "filled": secret.filled,
                "sealed": secret.sealed,
            }
            for secret in plan.secrets
        ],
        "key": {
            "name": plan.key_name,
            "recipient": plan.recipient if written or not plan.made else None,
            "made": plan.made,
        },
        "rules": list(_rules(plan)),
        "decryption": list(_decryption(plan)),
        "shared": base.paths(plan.shared),
        "granted": base.paths(plan.granted),
        "renamed": [
            {"path": each.path, "line": each.line, "old": each.old, "new": each.new} for each in plan.renamed
        ],
        "warnings": list(plan.warnings),
        "next": _next_steps(plan),
    }
    return page("env add", data, base)
