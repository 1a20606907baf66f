"""`.sourceignore`: what Flux leaves out of the artifact that it makes of a repository.

Follows fluxcd/pkg's sourceignore: git's patterns, matched against a path and the folders above it, the last
that matches counts; some names are left out unless a pattern brings them back.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from fluxsecrets.errors import ConfigError, FluxsecretsError

from .globs import Glob, whole
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
    pattern: Glob
    brings_back: bool


def artifact(tree: Tree, extra: str = "") -> Tree:
    """The files of a repository that reach Flux.

    Args:
        tree: the repository.
        extra: `spec.ignore` of its GitRepository.

    Raises:
        ConfigError: a pattern is not valid; it names the file and the line.
    """
    rules = [_Rule(_any_of(_DEFAULTS), brings_back=False)]
    for path in tree.paths:
        if path.rpartition("/")[2] == IGNORE_FILE:
            try:
                content = tree.read(path).decode("utf-8", "replace")
            except FluxsecretsError:
                continue
            rules += _rules(content.splitlines(), parent(path), path)
    rules += _rules(extra.splitlines(), "", None)
    kept = [path for path in tree.paths if not _ignored(path, rules)]
    if len(kept) == len(tree.paths):
        return tree
    return make_tree(tree.root, kept, repository=tree.repository, limits=tree.limits, planned=tree.planned)


def _ignored(path: str, rules: list[_Rule]) -> bool:
    return next((not rule.brings_back for rule in reversed(rules) if rule.pattern.matches(path)), False)


def _rules(lines: Iterable[str], folder: str, path: str | None) -> list[_Rule]:
    rules = []
    for number, line in enumerate(lines, start=1):
        text = line.rstrip()
        if not text or line.startswith("#"):
            continue
        brings_back = text.startswith("!")
        pattern = text.removeprefix("!")
        try:
            rules.append(_Rule(whole(_regex(pattern, folder), pattern), brings_back))
        except ConfigError as error:
            error.path, error.line = path, number if path is not None else None
            error.hint = "correct it as git would read it; Flux ignores a pattern that is not valid"
            raise
    return rules


def _any_of(patterns: Iterable[str]) -> Glob:
    return whole("|".join(_regex(pattern, "") for pattern in patterns), "the names that Flux leaves out")


def _regex(pattern: str, folder: str) -> str:
    folders_only = pattern.endswith("/")
    text = pattern.removesuffix("/").removeprefix("\\")
    anchored = "/" in text
    tokens = re.findall(r"\*\*/|/\*\*|\*|\?|\[[^\]/]+\]|.", text.removeprefix("/"), re.DOTALL)
    body = "".join(_token(token) for token in tokens)
    start = f"{re.escape(folder)}/" if folder else ""
    any_folder = "" if anchored else "(?:.*/)?"
    return rf"(?:{start}{any_folder}{body}(?:/.*){'' if folders_only else '?'})"


def _token(token: str) -> str:
    known = {"**/": "(?:.*/)?", "/**": "/.*", "*": "[^/]*", "?": "[^/]"}
    if token in known:
        return known[token]
    if token.startswith("[") and len(token) > 2:
        inner = re.sub(r"([\\\[\]&~|])", r"\\\1", token[1:-1])
        return f"[{'^' + inner[1:] if inner[0] in '!^' else inner}]"
    return re.escape(token)
