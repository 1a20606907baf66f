"""Whether the check of a commit comes last: what other programs' hooks run after it, and may stage.

pre-commit and lefthook put a hook of theirs in the place of ours, or run `fluxsecrets` from a configuration
of theirs. Their files are read for that as text: neither program is started.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from math import inf
from pathlib import Path
from typing import Any, NamedTuple

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.files.reading import read_file

CALLS = re.compile(r"^[^#\n]*\bfluxsecrets\b.*\bhook run\b", re.MULTILINE)
"""A line of a hook, or of a configuration, that runs fluxsecrets."""

LEGACY, OLD = ".legacy", ".old"
"""The suffixes under which pre-commit and lefthook put a hook aside; only pre-commit goes on running it."""

_LIMIT = 2**20
_FRAMEWORK = re.compile(r"pre-commit\.com|j178/prek|hook-impl")
_CONFIG = re.compile(r"--config=[\"']?([^\s\"')]+)")
_FRAMEWORK_CONFIG = ".pre-commit-config.yaml"
_LEFTHOOK = re.compile(r"\blefthook\b")
_LEFTHOOK_CONFIGS = tuple(
    f"{folder}{stem}.{suffix}"
    for folder in ("", ".config/")
    for stem in ("lefthook", ".lefthook", "lefthook-local", ".lefthook-local")
    for suffix in ("yml", "yaml", "json")
)
_OURS = ("fluxsecrets", "fluxsecrets-system")
# What adds to the index, in a line that is not a comment.
_STAGES = re.compile(
    r"^[^#\n]*(?:\bgit\b[^#\n]*\b(?:add|stage|rm|mv|update-index|apply|stash|restore|read-tree)\b"
    r"|\blint-staged\b|\blefthook run\b|\bpre-commit run\b|\bprek run\b|\bpretty-quick\b)",
    re.MULTILINE,
)


class Displaced(NamedTuple):
    """Our hook under another name.

    Attributes:
        problem: what that means, for people.
        runs: it is still run, before the hook that took its place.
    """

    problem: str
    runs: bool


def displaced(path: Path, text: str, is_ours: Callable[[Path], bool]) -> Displaced | None:
    """Our hook, if an installer put it aside.

    Args:
        path: the hook that git runs.
        text: its content.
        is_ours: whether a file is a hook of ours.
    """
    if is_ours(path.with_name(f"{path.name}{LEGACY}")) and _FRAMEWORK.search(text):
        problem = (
            f"pre-commit was installed over it, so its hooks run after the check: ours is {path.name}{LEGACY}"
        )
        return Displaced(f"{problem}. They may stage more", runs=True)
    if is_ours(path.with_name(f"{path.name}{OLD}")):
        return Displaced(
            f"another hook has replaced it: ours is {path.name}{OLD}, and does not run", runs=False
        )
    return None


def runs_by_config(root: Path, hook: str, text: str) -> bool:
    """Whether a hook of pre-commit or lefthook runs fluxsecrets, by their configuration in the work tree."""
    if _FRAMEWORK.search(text):
        name = "fluxsecrets-push" if hook == "pre-push" else "fluxsecrets"
        return not {name, f"{name}-system"}.isdisjoint(_framework_ids(root, text))
    if _LEFTHOOK.search(text):
        return any(
            f"hook run {hook}" in run and CALLS.search(run)
            for name in _LEFTHOOK_CONFIGS
            for run in _runs(_get(_loaded(root, name), hook))
        )
    return False


def order_of(root: Path, hook: str, text: str) -> tuple[str, str]:
    """What runs after the check of a hook that fluxsecrets did not make, and a hint; both "" if nothing does.

    Args:
        root: the top of the work tree.
        hook: `pre-commit` or `pre-merge-commit`.
        text: the hook's content.
    """
    own = list(CALLS.finditer(text))
    if own:
        after = _STAGES.search(text, own[-1].end())
        if after is None:
            return "", ""
        line = text.count("\n", 0, after.end()) + 1
        return (
            f"line {line} of it runs after the check, and may stage more",
            f"put the line with `fluxsecrets hook run {hook}` behind it",
        )
    if _FRAMEWORK.search(text):
        return _order_of_framework(root, text)
    return _order_of_lefthook(root, hook)


def _order_of_framework(root: Path, text: str) -> tuple[str, str]:
    ids = _framework_ids(root, text)
    at = max((index for index, each in enumerate(ids) if each in _OURS), default=len(ids))
    later = [each for each in ids[at + 1 :] if not each.startswith("fluxsecrets")]
    if not later:
        return "", ""
    name = _config(text)
    names = ", ".join(later[:3]) + (f" and {len(later) - 3} more" if len(later) > 3 else "")
    problem = f"in {name} these run after the check, and may stage more: {names}"
    return problem, f"move fluxsecrets to the end of {name}"


def _framework_ids(root: Path, text: str) -> list[str]:
    """The hooks of the configuration that a hook of pre-commit names, in their order."""
    repos = _get(_loaded(root, _config(text)), "repos")
    return [
        str(_get(hook, "id") or "")
        for repo in (repos if isinstance(repos, list) else ())
        for hook in _get(repo, "hooks") or ()
    ]


def _config(text: str) -> str:
    found = _CONFIG.search(text)
    return found[1] if found is not None else _FRAMEWORK_CONFIG


def _order_of_lefthook(root: Path, hook: str) -> tuple[str, str]:
    hint = f"let `fluxsecrets hook run {hook}` be the last of {hook} in that file, without `parallel`"
    for name in _LEFTHOOK_CONFIGS:
        section = _get(_loaded(root, name), hook)
        runs = list(_runs(section))
        at = max((index for index, run in enumerate(runs) if CALLS.search(run)), default=None)
        if at is None:
            continue
        if _get(section, "parallel") is True:
            return f"{name} runs the check beside others (`parallel`), which may stage more", hint
        if at + 1 < len(runs):
            return f"in {name} this runs after the check, and may stage more: {runs[at + 1]!a}", hint
    return "", ""


def _runs(section: object) -> Iterator[str]:
    """The command lines of one of lefthook's hooks in the order in which they run.

    Commands run by `priority`, of which 0 is the last, then by name; jobs as they are listed.
    """
    commands = _get(section, "commands")
    if isinstance(commands, dict):
        entries = [(_get(each, "priority"), str(name), each) for name, each in commands.items()]
        entries.sort(
            key=lambda entry: (entry[0] if isinstance(entry[0], int) and entry[0] else inf, entry[1])
        )
        yield from (str(_get(each, "run") or "") for _, _, each in entries)
    jobs = _get(section, "jobs")
    for job in jobs if isinstance(jobs, list) else ():
        yield str(_get(job, "run") or _get(job, "script") or _get(job, "name") or "")


def _get(node: object, key: str) -> Any:
    return node.get(key) if isinstance(node, dict) else None


def _loaded(root: Path, name: str) -> object:
    """A configuration in the work tree; None if it is missing or unreadable."""
    path = root / name
    if not os.path.lexists(path):
        return None
    import yaml

    try:
        return yaml.safe_load(read_file(path, limit=_LIMIT, follow_links=True).data)
    except (FluxsecretsError, yaml.YAMLError, ValueError, RecursionError):
        return None
