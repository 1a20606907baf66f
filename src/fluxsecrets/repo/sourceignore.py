"""What source-controller leaves out of the artifact that it makes of a repository.

Follows fluxcd/pkg's artifact/storage/archive.go and sourceignore. Only files and folders are packed, so that
symbolic links are dropped. The last pattern that matches a path counts. Pictures, archives and the files of
CI systems are left out only while no `.sourceignore` and no `spec.ignore` has a pattern; git's own files are
left out in any case.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from itertools import groupby

from fluxsecrets.errors import ConfigError, FluxsecretsError
from fluxsecrets.records import dataclass, replace

from .ignorepatterns import Pattern, Patterns, read_pattern
from .tree import Layers, Tree, make_tree, parent

IGNORE_FILE = ".sourceignore"

_POINTER = b"version https://git-lfs.github.com/spec/v1"

_OF_GIT = (".git/", ".gitignore", ".gitmodules", ".gitattributes")
_OTHERS = (
    "*.jpg", "*.jpeg", "*.gif", "*.png", "*.wmv", "*.flv", "*.tar.gz", "*.zip",
    ".github/", ".circleci/", ".travis.yml", ".gitlab-ci.yml", "appveyor.yml", ".drone.yml",
    "cloudbuild.yaml", "codeship-services.yml", "codeship-steps.yml", "**/.goreleaser.yml",
    "**/.sops.yaml", "**/.flux.yaml",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Rule:
    patterns: Patterns
    brings_back: bool


def artifact(tree: Tree, extra: str = "", only: tuple[str, ...] = ()) -> Tree:
    """The files and folders of a repository that reach Flux.

    Args:
        tree: the repository.
        extra: `spec.ignore` of its GitRepository.
        only: `spec.sparseCheckout` of it: go-git takes the files whose paths begin with one of these.

    Raises:
        ConfigError: a pattern is too long; it names the file and the line.
    """
    rules = _rules([*_of_files(tree), *_lines(extra, "", None)])
    starts = tuple(each.removeprefix("./") for each in only) or ("",)
    kept = [
        path
        for path in tree.paths
        if path.startswith(starts) and not _ignored(path, rules, folder=False) and _is_packed(tree, path)
    ]
    folders = [
        folder
        for folder in tree.folders
        if folder and f"{folder}/".startswith(starts) and not _ignored(folder, rules, folder=True)
    ]
    made = make_tree(
        tree.root,
        kept,
        repository=tree.repository,
        limits=tree.limits,
        planned=Layers(tree.planned, _pointers(tree, kept)),
        folders=folders,
        links=False,
    )
    return replace(made, definitions=tree.definitions)


def _pointers(tree: Tree, paths: list[str]) -> dict[str, bytes]:
    """What source-controller has in place of files of Git LFS, which it does not fetch."""
    patterns = Patterns(_of_lfs(tree))
    found = [path for path in paths if patterns.match(path, folder=False)]
    pointers = {}
    for path in found:
        try:
            content = tree.read(path)
        except FluxsecretsError:
            continue
        if not content.startswith(_POINTER):
            digest = hashlib.sha256(content).hexdigest()
            pointers[path] = _POINTER + f"\noid sha256:{digest}\nsize {len(content)}\n".encode()
    return pointers


def _of_lfs(tree: Tree) -> Iterator[Pattern]:
    for path in tree.paths:
        if path.rpartition("/")[2] == ".gitattributes":
            try:
                lines = tree.read(path).decode("utf-8", "surrogateescape").split("\n")
            except FluxsecretsError:
                continue
            for line in lines:
                words = line.split()
                if "filter=lfs" in words[1:] and not words[0].startswith(("#", "!")):
                    yield read_pattern(words[0], parent(path))


def _is_packed(tree: Tree, path: str) -> bool:
    try:
        return tree.size(path) is not None
    except FluxsecretsError:  # the reader says why it cannot be read
        return True


def _ignored(path: str, rules: list[_Rule], *, folder: bool) -> bool:
    """Whether the last rule that matches a path leaves it out; `rules` has the last one first."""
    return next((not rule.brings_back for rule in rules if rule.patterns.match(path, folder=folder)), False)


def _of_files(tree: Tree) -> Iterator[Pattern]:
    """The patterns of every `.sourceignore`, those of a folder before those of the folders in it."""
    found = [path for path in tree.paths if path.rpartition("/")[2] == IGNORE_FILE]
    for path in sorted(found, key=lambda each: (each.count("/"), each)):
        place = tree.locate(path)
        try:
            content = tree.read(place).decode("utf-8", "surrogateescape") if place is not None else ""
        except FluxsecretsError:
            continue
        yield from _lines(content, parent(path), path)


def _lines(content: str, folder: str, path: str | None) -> Iterator[Pattern]:
    for number, line in enumerate(content.split("\n"), start=1):
        text = line.removesuffix("\r")
        if not text.strip() or text.startswith("#"):
            continue
        try:
            yield read_pattern(text, folder)
        except ConfigError as error:
            error.path, error.line = path, number if path is not None else None
            error.hint = "shorten it"
            raise


def _rules(patterns: Iterable[Pattern]) -> list[_Rule]:
    own = list(patterns)
    defaults = [read_pattern(text, "") for text in (_OF_GIT if own else (*_OF_GIT, *_OTHERS))]
    grouped = groupby([*defaults, *own], key=lambda each: each.brings_back)
    rules = [_Rule(Patterns(group), brings_back) for brings_back, group in grouped]
    return rules[::-1]
