"""Other programs with git hooks here."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fluxsecrets.ops.doctor.facts import Facts
from fluxsecrets.ops.doctor.model import Check, CheckInfo, Diagnosis, ok
from fluxsecrets.ops.hooks.hookfile import read_hook
from fluxsecrets.ops.hooks.model import HOOKS
from fluxsecrets.ops.hooks.own import ASIDE
from fluxsecrets.ops.hooks.place import find_place

INFO = CheckInfo("other-hooks", "other hooks")

_PROGRAMS = {
    "pre-commit": re.compile(rb"pre-commit\.com|hook-impl"),
    "lefthook": re.compile(rb"\blefthook\b"),
    "husky": re.compile(rb"\bhusky\b"),
    "Git LFS": re.compile(rb"\bgit[ -]lfs\b"),
    "gitleaks": re.compile(rb"\bgitleaks\b"),
    "git-secrets": re.compile(rb"\bgit[ -]secrets\b"),
}


def check(facts: Facts) -> Iterator[Diagnosis]:
    """Name the programs that have hooks beside ours; the check of hooks says whether ours come last."""
    if facts.repository is None or facts.hooks_folder is None:
        return
    place = find_place(facts.repository, everywhere=True, folder=facts.hooks_folder)
    found = dict.fromkeys(["husky"] if place.husky else [])
    for hook in HOOKS:
        for name in (hook, f"{hook}{ASIDE}"):
            content = read_hook(place.folder / name) or b""
            found.update(dict.fromkeys(each for each, sign in _PROGRAMS.items() if sign.search(content)))
    where = facts.session.shown(place.folder)
    if place.shared:
        yield ok(f"the hooks are in {where}, which the team shares")
    if found:
        yield ok(f"in {where} there are also hooks of {', '.join(found)}")


CHECK = Check(INFO, check)
