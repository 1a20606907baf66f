"""`.sourceignore`: what Flux leaves out of the artifact that it makes of a repository.

Follows fluxcd/pkg's sourceignore: git's patterns, matched against a path and the folders above it, the last
that matches counts; some names are left out unless a pattern brings them back.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from fluxsecrets.errors import FluxsecretsError

from .tree import Tree, make_tree, parent

IGNORE_FILE = ".sourceignore"

_DEFAULTS = (
    ".git/", ".gitignore", ".gitmodules", ".gitattributes",
    "*.jpg", "*.jpeg", "*.gif", "*.png", "*.wmv", "*.flv", "*.tar.gz", "*.zip",
    ".github/", ".circleci/", ".travis.yml", ".gitlab-ci.yml", "appveyor.yml", ".drone.yml",
    "cloudbuild.yaml", "codeship-services.yml", "codeship-steps.yml", "**/.goreleaser.yml",
    "**/.sops.yaml", "**/.flux.yaml",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Rule:
    pattern: re.Pattern[str]
    brings_back: bool


def artifact(tree: Tree, extra: str = "") -> Tree:
    """The files of a repository that reach Flux.

    Args:
        tree: the repository.
        extra: `spec.ignore` of its GitRepository.
    """
    rules = [_Rule(_any_of(_DEFAULTS), brings_back=False)]
    for path in tree.paths:
        if path.rpartition("/")[2] == IGNORE_FILE:
            try:
                content = tree.read(path).decode("utf-8", "replace")
            except FluxsecretsError:
                continue
            rules += _rules(content.splitlines(), parent(path))
    rules += _rules(extra.splitlines(), "")
    kept = [path for path in tree.paths if not _ignored(path, rules)]
    if len(kept) == len(tree.paths):
        return tree
    return make_tree(tree.root, kept, repository=tree.repository, limits=tree.limits, planned=tree.planned)


def _ignored(path: str, rules: list[_Rule]) -> bool:
    return next((not rule.brings_back for rule in reversed(rules) if rule.pattern.match(path)), False)


def _rules(lines: Iterable[str], folder: str) -> list[_Rule]:
    rules = []
    for line in lines:
        text = line.rstrip()
        if not text or line.startswith("#"):
            continue
        brings_back = text.startswith("!")
        rules.append(_Rule(re.compile(_regex(text.removeprefix("!"), folder)), brings_back))
    return rules


def _any_of(patterns: Iterable[str]) -> re.Pattern[str]:
    return re.compile("|".join(_regex(pattern, "") for pattern in patterns))


def _regex(pattern: str, folder: str) -> str:
    folders_only = pattern.endswith("/")
    text = pattern.removesuffix("/").removeprefix("\\")
    anchored = "/" in text
    tokens = re.findall(r"\*\*/|/\*\*|\*|\?|\[[^\]/]+\]|.", text.removeprefix("/"), re.DOTALL)
    body = "".join(_token(token) for token in tokens)
    start = f"{re.escape(folder)}/" if folder else ""
    any_folder = "" if anchored else "(?:.*/)?"
    return rf"(?:{start}{any_folder}{body}(?:/.*){'' if folders_only else '?'}\Z)"


def _token(token: str) -> str:
    known = {"**/": "(?:.*/)?", "/**": "/.*", "*": "[^/]*", "?": "[^/]"}
    if token in known:
        return known[token]
    if token.startswith("[") and len(token) > 2:
        inner = re.sub(r"([\\\]&~|])", r"\\\1", token[1:-1])
        return f"[{'^' + inner[1:] if inner[0] in '!^' else inner}]"
    return re.escape(token)
