"""Where a repository uses sops: in scripts, jobs and other tools' settings, and what does the same here.

A line may hold a secret, so that only its command is told.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.marks import name_in
from fluxsecrets.repo.tree import Tree

_LARGEST = 2**20
_READ = re.compile(
    r"(?:^|/)(?:[Mm]akefile|GNUmakefile|[Jj]ustfile|\.justfile|Taskfile\.ya?ml|Jenkinsfile|Rakefile|Dockerfile"
    r"|package\.json|\.envrc|\.gitattributes|\.pre-commit-config\.ya?ml|lefthook\.ya?ml|helmfile[^/]*"
    r"|kustomization\.ya?ml|\.gitlab-ci\.yml)$"
    r"|(?:^|/)\.(?:github|gitlab|forgejo|gitea|circleci|husky|git-hooks|githooks)/"
    r"|\.(?:mk|sh|bash|zsh|ps1|just|gotmpl)$"
)
"""Files that start programs, or tell other tools to."""

_SOPS = re.compile(
    r"(?<![\w./-])(?:[\w./-]*/)?sops(?:\.exe)?[ \t]+(?P<words>(?:(?!sops\b)[^\s|;&)`\"']+[ \t]*){1,6})"
)


@dataclass(frozen=True, slots=True)
class SopsUse:
    """A use of sops, or of a tool that calls it.

    Attributes:
        path: relative to the root.
        what: the command, without what it is given.
        instead: what does the same here.
    """

    path: str
    line: int
    what: str
    instead: str


_COMMANDS = {
    "encrypt": ("sops encrypt", "`fluxsecrets encrypt PATH`: it works in place; several files are one run"),
    "decrypt": ("sops decrypt", "`fluxsecrets decrypt PATH`"),
    "edit": ("sops edit", "`fluxsecrets edit PATH`"),
    "rotate": ("sops rotate", "`fluxsecrets rotate PATH`, or `--env NAME`"),
    "updatekeys": ("sops updatekeys", "`fluxsecrets recipients sync PATH`, or `--all`"),
    "exec-env": ("sops exec-env", "`fluxsecrets exec-env PATH -- COMMAND`"),
    "exec-file": ("sops exec-file", "`fluxsecrets exec-file PATH -- COMMAND {}`"),
    "publish": ("sops publish", "`fluxsecrets publish PATH`"),
    "keyservice": ("sops keyservice", "`fluxsecrets-sops keyservice`"),
    "filestatus": ("sops filestatus", "`fluxsecrets status PATH`"),
    "set": ("sops set", "`fluxsecrets set PATH KEY --stdin`"),
    "unset": ("sops unset", "`fluxsecrets unset PATH KEY`"),
}
_FLAGS = {
    "-e": "encrypt", "--encrypt": "encrypt", "-d": "decrypt", "--decrypt": "decrypt", "-r": "rotate",
    "--rotate": "rotate", "--set": "set", "--extract": "decrypt",
}  # fmt: skip

_OTHERS = (
    (
        re.compile(r"\bhelm[ -]secrets\b|\bsecrets://"),
        "helm-secrets",
        "Flux does not run it: put the values into a Secret, and name that in the HelmRelease's `valuesFrom`",
    ),
    (
        re.compile(r"\bkind:[ \t]*ksops\b|viaduct\.ai/v1"),
        "ksops",
        "Flux does not run it: list the encrypted Secret under `resources`, with `decryption` in the "
        "Kustomization",
    ),
    (
        re.compile(r"\bdiff=sops\w*"),
        "a diff driver for sops",
        "`fluxsecrets hook install` sets up one that masks values",
    ),
    (
        re.compile(r"pre-commit-hook-ensure-sops|sops-pre-commit|ensure-sops"),
        "a pre-commit hook for sops",
        "`fluxsecrets hook install`, or the hook `fluxsecrets` of the pre-commit framework",
    ),
)


def sops_uses(tree: Tree) -> tuple[SopsUse, ...]:
    """Return the uses in files that start programs, by place."""
    return tuple(use for path in tree.paths if _READ.search(path) for use in _in_file(tree, path))


def _in_file(tree: Tree, path: str) -> Iterator[SopsUse]:
    try:
        size = tree.size(path)
        if not size or size > _LARGEST:
            return
        text = tree.read(path).decode("utf-8", "replace")
    except FluxsecretsError:
        return
    if "sops" not in text and "secrets" not in text:
        return
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith("#") and name_in(path) != ".gitattributes":
            continue
        for pattern, what, instead in _OTHERS:
            if pattern.search(line):
                yield SopsUse(path, number, what, instead)
        for match in _SOPS.finditer(line):
            use = _command(match["words"].split())
            if use is not None:
                yield SopsUse(path, number, *use)


def _command(words: list[str]) -> tuple[str, str] | None:
    """What a command line of sops is called here; None if it only looks like one."""
    for word in words:
        name = _FLAGS.get(word, word)
        if name in _COMMANDS:
            return _COMMANDS[name]
    plain = [word for word in words if not word.startswith("-")]
    if words[0].startswith("-") or any("." in word or "/" in word or "$" in word for word in plain[:1]):
        return "sops", "`fluxsecrets-sops` takes the same command line"
    return None
