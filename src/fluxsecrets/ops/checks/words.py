"""Rules of the team, and the words of other tools that count: from the settings, and the files they name.

They come from the state that the scan is judged by, as the settings do: an allowlist that merely is in the
work tree allows nothing of what is committed.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from fluxsecrets.errors import ConfigError
from fluxsecrets.findings.allow import Excuser, Remark
from fluxsecrets.findings.allowlists import Allowlists
from fluxsecrets.findings.ignorefile import IgnoreFile
from fluxsecrets.findings.secretsbaseline import SecretsBaseline
from fluxsecrets.marks import SETTINGS_NAME
from fluxsecrets.repo.leakrules import LeakRules
from fluxsecrets.repo.scansettings import ScanSettings
from fluxsecrets.scan.custom import CustomRules, info

if TYPE_CHECKING:
    from fluxsecrets.findings import RuleInfo
    from fluxsecrets.ops.policy.trust import Trust
    from fluxsecrets.repo.settings import Settings


_FILES = (
    ("config", ".betterleaks.toml"),
    ("config", ".gitleaks.toml"),
    ("ignore_file", ".betterleaksignore"),
    ("ignore_file", ".gitleaksignore"),
    ("secrets_baseline", ".secrets.baseline"),
)


class Words(NamedTuple):
    """What a scan goes by beside the built-in rules.

    Attributes:
        leaks: all rules and allowlists.
        custom: them for the engine.
        excusers: allowances in the words of other tools.
        remarks: on what has no effect.
        infos: the rules as reports show them.
    """

    leaks: LeakRules
    custom: CustomRules
    excusers: tuple[Excuser, ...]
    remarks: tuple[Remark, ...]
    infos: tuple[RuleInfo, ...]


def read_words(
    settings: Settings | None, trust: Trust, option: LeakRules | None, cache: Path | None
) -> Words | None:
    """Return what the settings of a state name, or None if they name nothing.

    Args:
        settings: those of the state.
        trust: the state, with the files that the settings name.
        option: rules from a file that the user named, or None.
        cache: the folder for compiled patterns, or None.

    Raises:
        ConfigError: a file is missing or invalid, or a rule has the id of a built-in one.
    """
    scan = None if settings is None else settings.scan
    if scan is None and option is None:
        return None
    from fluxsecrets.scan.registry import all_rules

    scan = scan or ScanSettings()
    built_in = frozenset(rule.id for rule in all_rules())
    _refuse_taken(scan.rules, built_in)
    leaks = _unique(scan.rules + trust.leaks() + (option or LeakRules()))
    known = built_in | {rule.id for rule in leaks.rules}
    excusers: list[Excuser] = [Allowlists(leaks, known)]
    others = dict(trust.others)
    if scan.ignore_file is not None:
        excusers.append(
            IgnoreFile(_content(others, scan.ignore_file, "ignore_file"), scan.ignore_file, known)
        )
    digests: tuple[str, ...] = ()
    if scan.secrets_baseline is not None:
        data = _content(others, scan.secrets_baseline, "secrets_baseline")
        baseline = SecretsBaseline(data, scan.secrets_baseline)
        digests = baseline.digests
        excusers.append(baseline)
    return Words(
        leaks,
        CustomRules(leaks, digests, scan.comments, cache),
        tuple(excusers),
        tuple(Remark(each.origin, each.line, "unsupported", each.message) for each in leaks.unsupported),
        tuple(info(rule) for rule in leaks.rules if rule.id not in built_in),
    )


def read_option(path: Path, cwd: Path) -> LeakRules:
    """Return the rules of a configuration that the user named; what it extends is relative to `cwd`.

    Raises:
        FileAccessError, LimitError: a file cannot be read.
        ConfigError: a file is invalid, or a file that it extends is missing.
    """
    from fluxsecrets.files.reading import read_file
    from fluxsecrets.repo.leakextend import joined, read_chain
    from fluxsecrets.repo.leakreader import read_configuration
    from fluxsecrets.sops.placed_yaml import MAX_BYTES

    shown = os.fspath(path)

    def read(name: str) -> bytes | None:
        place = cwd / (path if name == shown else name)
        if name != shown and not place.exists():
            return None
        return read_file(place, limit=MAX_BYTES, follow_links=True).data

    return joined([read_configuration(data, name) for name, data in read_chain(shown, read)])


def unnamed_files(root: Path, settings: Settings | None) -> tuple[tuple[str, str], ...]:
    """Return files of other tools that have no effect: the setting that could name each, and its name."""
    scan = (None if settings is None else settings.scan) or ScanSettings()
    named = {name for name, _ in _FILES if getattr(scan, name) is not None}
    return tuple((key, name) for key, name in _FILES if key not in named and (root / name).is_file())


def _content(others: Mapping[str, bytes | None], path: str, name: str) -> bytes:
    data = others.get(path)
    if data is None:
        raise ConfigError(
            f"scan.{name} names {path[:80]!a}, which does not exist",
            hint="check the path; for what is committed, the file must be committed or staged too",
            path=SETTINGS_NAME,
        )
    return data


def _refuse_taken(rules: LeakRules, built_in: frozenset[str]) -> None:
    for rule in rules.rules:
        if rule.id in built_in:
            raise ConfigError(
                f"the rule {rule.id} exists already",
                hint="choose another id: `fluxsecrets rules list` shows those that exist",
                path=rule.origin,
                line=rule.line,
            )


def _unique(leaks: LeakRules) -> LeakRules:
    """The same with one rule per id: that of the settings counts before that of another tool's file."""
    rules = {rule.id: rule for rule in reversed(leaks.rules)}
    return LeakRules(
        tuple(rule for rule in leaks.rules if rules[rule.id] is rule),
        leaks.allowlists,
        leaks.disabled,
        leaks.unsupported,
    )
