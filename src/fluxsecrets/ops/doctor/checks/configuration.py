"""Whether the configuration can be read, and has an effect."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.marks import MISSPELLED_RULES_NAME, RULES_NAME, SETTINGS_NAME
from fluxsecrets.ops.doctor.facts import Facts
from fluxsecrets.ops.doctor.model import Check, CheckInfo, Diagnosis, ok, problem
from fluxsecrets.repo.settings import load_settings
from fluxsecrets.repo.tree import Tree
from fluxsecrets.shell import file_word
from fluxsecrets.sops.config import SopsConfig

INFO = CheckInfo("configuration", "configuration")


def check(facts: Facts) -> Iterator[Diagnosis]:
    """Read every `.sops.yaml`, and `.fluxsecrets.yaml`: name errors with lines, and what has no effect."""
    if facts.tree is None:
        return
    valid = [config for config in facts.rules.values() if isinstance(config, SopsConfig)]
    for found in facts.rules.values():
        yield from _of_rules(found)
    yield from _misspelled(facts.tree)
    settings = facts.tree.root / SETTINGS_NAME
    has_settings = settings.is_file()
    try:
        load_settings(facts.tree)
    except FluxsecretsError as error:
        yield _of_error(error.in_file(facts.session.shown(settings)))
        has_settings = False
    if not facts.rules:
        hint = "it also sets up an identity, hooks, drivers and attributes"
        yield problem(
            f"there is no {RULES_NAME}, so that nothing says who can read new files",
            command="fluxsecrets init",
            hint=hint,
        )
    names = [*(config.path for config in valid), *([SETTINGS_NAME] if has_settings else [])]
    if names:
        yield ok(f"{', '.join(names)} can be read")


def _of_rules(found: SopsConfig | FluxsecretsError) -> Iterator[Diagnosis]:
    if isinstance(found, FluxsecretsError):
        yield _of_error(found)
        return
    unknown = [*found.unknown, *(each for rule in found.rules for each in rule.unknown)]
    for field in unknown:
        message = f"{found.path}:{field.line}: {field.name!a} is not a known field, and has no effect"
        yield problem(message, hint="check the spelling, or remove it")


def _misspelled(tree: Tree) -> Iterator[Diagnosis]:
    for text in tree.paths:
        path = PurePosixPath(text)
        if path.name == MISSPELLED_RULES_NAME:
            right = path.with_name(RULES_NAME)
            command = f"git mv {file_word(text)} {file_word(str(right))}"
            free = str(right) not in tree.paths
            hint = "" if free else f"move its rules to {right}, and delete it"
            message = f"{text} is read by nobody: the name is {RULES_NAME}"
            yield problem(message, command=command if free else "", hint=hint)


def _of_error(error: FluxsecretsError) -> Diagnosis:
    quoted = f" ({error.details[0]})" if error.details else ""
    return problem(f"{error}{quoted}", hint=error.hint or "fix this line")


CHECK = Check(INFO, check)
