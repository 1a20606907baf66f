"""Where a repository uses sops: in scripts, jobs and other tools' settings, and what does the same here.

A line may hold a secret, so only its command is reported.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.marks import MANIFEST_SUFFIXES, name_in
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

_INSTEAD_OF_HELM_SECRETS = (
    "Flux does not run it: put the values into a Secret, and name that in the HelmRelease's `valuesFrom`"
)
_INSTEAD_OF_KSOPS = (
    "Flux does not run it: list the encrypted Secret under `resources`, with `decryption` in the "
    "Kustomization"
)
_KSOPS_KIND = re.compile(r"kind:[ \t]*[\"']?ksops\b")

_OTHERS = (
    (
        re.compile(r"\bhelm[ -]secrets\b|\bsecrets(?:\+[\w-]+)*://"),
        "helm-secrets",
        _INSTEAD_OF_HELM_SECRETS,
    ),
    (
        re.compile(r"\bkind:[ \t]*ksops\b|viaduct\.ai/v1"),
        "ksops",
        _INSTEAD_OF_KSOPS,
    ),
    (
        re.compile(r"\bdiff=sops\w*"),
        "a diff driver for sops",
        "remove it: your lines win over those of `fluxsecrets hook install`, whose driver masks values",
    ),
    (
        re.compile(r"pre-commit-hook-ensure-sops|sops-pre-commit|ensure-sops"),
        "a pre-commit hook for sops",
        "`fluxsecrets hook install`, or the hook `fluxsecrets` of the pre-commit framework",
    ),
)


_HELMFILE = re.compile(r"(?:^|/)helmfile[^/]*$|(?:^|/)helmfile\.d/")
_HELMFILE_SECRETS = re.compile(r"^[ \t]*(?:-[ \t]+)?secrets:")
"""How helmfile names the files that it hands to helm-secrets."""


def sops_uses(tree: Tree) -> tuple[SopsUse, ...]:
    """Return the uses in files that start programs and in manifests of tools, by place."""
    return tuple(use for path in tree.paths for use in _uses(tree, path))


def _uses(tree: Tree, path: str) -> Iterator[SopsUse]:
    if _READ.search(path) or _HELMFILE.search(path):
        yield from _in_file(path, _text(tree, path))
    elif path.endswith(MANIFEST_SUFFIXES):
        for number, line in enumerate(_text(tree, path).splitlines(), 1):
            if _KSOPS_KIND.match(line):
                yield SopsUse(path, number, "ksops", _INSTEAD_OF_KSOPS)


def _text(tree: Tree, path: str) -> str:
    """The text of a file, or "" if it is too large or can't be read."""
    try:
        size = tree.size(path)
        return tree.read(path).decode("utf-8", "replace") if size and size <= _LARGEST else ""
    except FluxsecretsError:
        return ""


def _in_file(path: str, text: str) -> Iterator[SopsUse]:
    if "sops" not in text and "secrets" not in text:
        return
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith("#") and name_in(path) != ".gitattributes":
            continue
        if _HELMFILE.search(path) and _HELMFILE_SECRETS.match(line):
            yield SopsUse(path, number, "helm-secrets", _INSTEAD_OF_HELM_SECRETS)
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
