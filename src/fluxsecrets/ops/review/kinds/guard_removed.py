"""Checks that a change takes out of hooks, CI and `.gitattributes`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from fluxsecrets.findings import Severity
from fluxsecrets.ops.hooks.attributereading import NAME
from fluxsecrets.ops.hooks.attributes import DRIVER
from fluxsecrets.ops.hooks.coverage import attribute_lines, covers
from fluxsecrets.ops.review.change import Change
from fluxsecrets.ops.review.model import ReviewItem
from fluxsecrets.ops.review.sides import Side

from .kind import Kind, counted, describe, item, listed

INFO = describe(
    "guard-removed",
    Severity.MEDIUM,
    "a check of secrets is removed",
    why="What is not checked any more is not noticed: the next plain text is committed like any other file.",
    fix="keep the check, or say in the pull request what takes its place",
)
_FILES = re.compile(
    r"(?:^|/)(?:\.gitattributes|\.pre-commit-config\.ya?ml|\.?lefthook(?:-local)?\.(?:ya?ml|toml|json)|"
    r"\.gitlab-ci\.yml|\.drone\.ya?ml|Jenkinsfile|azure-pipelines\.ya?ml|bitbucket-pipelines\.yml|\.travis\.yml)$|"
    r"^(?:\.github/(?:workflows|actions)|\.forgejo/workflows|\.gitea/workflows|\.circleci|\.gitlab|\.husky|"
    r"\.githooks|\.woodpecker|\.tekton)/"
)
_OTHER = re.compile(rf"[-!](?:merge|diff)|(?:merge|diff)(?:=(?!{DRIVER}$).*)?")
_TOOLS = re.compile(
    rb"\b(?:fluxsecrets|gitleaks|betterleaks|trufflehog|detect-secrets|kingfisher|talisman|git-secrets|ggshield|"
    rb"git-crypt|forbid-secrets|pre-commit-hook-ensure-sops|sops-pre-commit)\b"
)
_WEAK = re.compile(
    rb"--fail-on[= ]never|--exit-zero|\|\| *true\b|continue-on-error: *true|allow_failure: *true|--no-verify"
)


def check(change: Change) -> Iterator[ReviewItem]:
    """Compare which tools each file of hooks and CI runs, and whether their result counts."""
    for each in change.files:
        old_path = each.old_path if each.old_path is not None and _FILES.search(each.old_path) else None
        if old_path is None:
            continue
        before = change.before.read(old_path) or b""
        after = (change.after.read(each.path) or b"") if each.after is not None else b""
        old, new = _tools(before), _tools(after)
        gone = sorted(old - new)
        if gone:
            what = (
                "nothing checks for secrets here any more" if not new else f"{listed(sorted(new))} still runs"
            )
            yield item(
                INFO,
                each.path,
                f"{listed(gone)} does not run any more; {what}",
                "gone",
                severity=Severity.HIGH if not new and not _elsewhere(change, gone) else None,
            )
        elif old and len(_WEAK.findall(after)) > len(_WEAK.findall(before)):
            yield item(INFO, each.path, f"the result of {listed(sorted(old))} may not count any more", "weak")
    yield from _without_drivers(change)


def _without_drivers(change: Change) -> Iterator[ReviewItem]:
    """Find new lines with attributes that keep git from using the drivers for files that have them."""
    changed = [each.path for each in change.files if each.after is not None and _is_attributes(each.path)]
    if not changed:
        return
    ours = [
        (pattern, path.rpartition("/")[0])
        for path in change.before.tree.paths
        if _is_attributes(path)
        for _, pattern in _lines(change.before, path).get(f"merge={DRIVER}", ())
    ]
    files = [path for path in change.after.tree.paths if any(covers(*pattern, path) for pattern in ours)]
    for path in changed:
        old, folder = _lines(change.before, path), path.rpartition("/")[0]
        for attribute, lines in _lines(change.after, path).items():
            known = {pattern for _, pattern in old.get(attribute, ())}
            for line, pattern in lines if _OTHER.fullmatch(attribute) else ():
                found = [each for each in files if covers(pattern, folder, each)]
                if pattern not in known and found:
                    title = f"{attribute} for {counted(len(found), 'file')} that git merges by value"
                    yield item(INFO, path, title, attribute, pattern, line=line, details=found)


def _is_attributes(path: str) -> bool:
    return path.rpartition("/")[2] == NAME


def _lines(side: Side, path: str) -> Mapping[str, list[tuple[int, str]]]:
    return attribute_lines((side.read(path) or b"").decode("utf-8", "replace"))


def _tools(data: bytes) -> set[str]:
    lines = (line for line in data.splitlines() if not line.lstrip().startswith(b"#"))
    return {match[0].decode() for line in lines for match in _TOOLS.finditer(line)}


def _elsewhere(change: Change, tools: list[str]) -> bool:
    """Whether another file of hooks or CI runs all of these, so that they have only moved."""
    found: set[str] = set()
    for each in change.files:
        if each.after is not None and _FILES.search(each.path):
            found |= _tools(change.after.read(each.path) or b"")
    return found.issuperset(tools)


KIND = Kind(INFO, check)
