"""`verify:` in `.fluxsecrets.yaml`: what the team knows of that `verify` cannot foretell or would refuse."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from fluxsecrets.errors import ConfigError
from fluxsecrets.sops.placed_yaml import FieldReader, Fields, Node, keys_outside

from .globs import compile_glob

KEYS = frozenset({"accept"})
ACCEPT_KEYS = frozenset({"kustomization", "behaviour", "reason", "expires"})

_BEHAVIOUR = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")


@dataclass(frozen=True, slots=True)
class Acceptance:
    """One entry of `accept`: a behaviour of Flux that the team knows of, and why it is all right.

    Attributes:
        kustomization: glob of `NAMESPACE/NAME`; without a slash, of the name in any namespace.
        behaviour: its name, as `verify` shows it.
        expires: the last day on which it holds, or None.
        line: 1-based line of the entry.
    """

    kustomization: str
    behaviour: str
    reason: str
    expires: date | None
    line: int


@dataclass(frozen=True, slots=True)
class VerifySettings:
    """What `verify:` says."""

    accept: tuple[Acceptance, ...] = ()


def verify_settings(node: Node, path: str, day: Callable[[Fields, str], date | None]) -> VerifySettings:
    """Return the section.

    Args:
        node: its node.
        path: of the file, for errors.
        day: reads a date.

    Raises:
        ConfigError: something in it is wrong; with line and column.
    """
    reader = FieldReader(path)
    fields = _map(reader, node, "verify", KEYS)
    return VerifySettings(tuple(_acceptance(reader, each, day) for each in reader.items(fields, "accept")))


def _map(reader: FieldReader, node: Node, what: str, known: frozenset[str]) -> Fields:
    fields = reader.fields(node, what)
    for key in keys_outside(fields, known):
        hint = f"known are {', '.join(sorted(known))}"
        reader.fail(key, f"{what} has no key {key.text[:60]!a}", hint=hint)
    return fields


def _acceptance(reader: FieldReader, node: Node, day: Callable[[Fields, str], date | None]) -> Acceptance:
    fields = _map(reader, node, "an entry of accept", ACCEPT_KEYS)
    name = reader.required(fields, "kustomization", node)
    try:
        compile_glob(name)
    except ConfigError as error:
        reader.fail(fields["kustomization"][1], error.message, hint=error.hint)
    behaviour = reader.required(fields, "behaviour", node)
    if not _BEHAVIOUR.fullmatch(behaviour):
        hint = "`verify --format json` names the behaviours, and docs/flux.md lists them"
        reader.fail(fields["behaviour"][1], f"{behaviour[:60]!a} is not the name of a behaviour", hint=hint)
    reason = reader.required(fields, "reason", node)
    return Acceptance(name, behaviour, reason, day(fields, "expires"), node.line)
