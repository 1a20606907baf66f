"""`scan:` in `.fluxsecrets.yaml`: a team's own rules, and the words of other tools that count here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from fluxsecrets.sops.placed_yaml import Fields, Node, is_set, keys_outside

from .leakreader import LeakReader
from .leakrules import LeakRules

TOOLS = ("gitleaks", "betterleaks", "detect-secrets", "kingfisher", "trufflehog", "bandit")
"""The tools whose comments may count."""

KEYS = frozenset({"rules", "allowlists", "config", "ignore_file", "secrets_baseline", "comments"})


@dataclass(frozen=True, slots=True)
class ScanSettings:
    """What `scan:` says.

    Attributes:
        rules: rules and allowlists that are written there.
        config: path of a `.gitleaks.toml` or `.betterleaks.toml`, or None.
        ignore_file: path of a `.gitleaksignore`, or None.
        secrets_baseline: path of a `.secrets.baseline` of detect-secrets, or None.
        comments: those of `TOOLS` whose comments allow findings.
    """

    rules: LeakRules = field(default_factory=LeakRules)
    config: str | None = None
    ignore_file: str | None = None
    secrets_baseline: str | None = None
    comments: tuple[str, ...] = ()


def scan_settings(node: Node, path: str, inside: Callable[[Node, str], str]) -> ScanSettings:
    """Return the section.

    Args:
        node: its node.
        path: of the file, for errors.
        inside: checks a path in the repository.

    Raises:
        ConfigError: something in it is wrong; with line and column.
    """
    reader = LeakReader(path)
    fields = reader.read.fields(node, "scan")
    for key in keys_outside(fields, KEYS):
        hint = f"known are {', '.join(sorted(KEYS))}"
        reader.read.fail(key, f"scan has no key {key.text[:60]!a}", hint=hint)
    rules = reader.rules(fields)
    allowlists = tuple(map(reader.allowlist, reader.read.items(fields, "allowlists")))
    comments = reader.texts(fields, "comments")
    for tool in comments:
        if tool not in TOOLS:
            hint = f"known are {', '.join(TOOLS)}"
            reader.read.fail(fields["comments"][1], f"{tool[:60]!a} is not a tool", hint=hint)

    def place(fields: Fields, name: str) -> str | None:
        if not is_set(fields, name):
            return None
        value = fields[name][1]
        return inside(value, reader.read.strict_text(name, value).strip())

    return ScanSettings(
        LeakRules(rules.rules, (*allowlists, *rules.allowlists)),
        place(fields, "config"),
        place(fields, "ignore_file"),
        place(fields, "secrets_baseline"),
        comments,
    )
