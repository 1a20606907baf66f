"""The places that a Kustomization is built from, and what is wrong with them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import get_close_matches
from typing import NamedTuple

from .flux import FluxKustomization
from .kustomize.kustomizationfile import Reference
from .objects import Object
from .outcome import Effect, Outcome
from .tree import Note, Tree, normalise, parent

_NOT_LOCAL = re.compile(r"(?i)(?:git::|gh:|ssh://|https?://|git@|github\.com[:/]).|(?:file://)?/")
"""Follows IsLocalRelativePath of fluxcd/pkg's kustomize_generator.go."""


_COMPARED = 200
"""Folders that a hint chooses from: comparing texts is slow."""


class Components(NamedTuple):
    """`spec.components` of a Kustomization.

    Attributes:
        references: those that are folders here.
        outcomes: those that stop Flux.
        notes: those that are not here.
    """

    references: tuple[Reference, ...]
    outcomes: tuple[Outcome, ...]
    notes: tuple[Note, ...]


def find_components(tree: Tree, kustomization: FluxKustomization, item: Object, folder: str) -> Components:
    """Find `spec.components`, which are relative to the Kustomization's folder.

    Follows `getPatches` and its neighbours of fluxcd/pkg's kustomize_generator.go: only missing ones may be
    ignored.
    """
    references: list[Reference] = []
    outcomes: list[Outcome] = []
    notes: list[Note] = []
    for number, text in enumerate(kustomization.components):
        line = item.line_at(("spec", "components", number))
        local = _NOT_LOCAL.match(text) is None
        place = normalise(text, folder) if local else None
        if place is not None and tree.locate(place) in tree.folders:
            references.append(Reference(place, kustomization.line))
            continue
        if place is None:
            message = "a component outside the repository is not a folder here"
        else:
            message = f"{place!a} is not a folder here"
        notes.append(
            Note(kustomization.file, kustomization.line, f"Kustomization {kustomization.name!a}: {message}")
        )
        if not local:
            reason = f"component path {text!a} must be local and relative"
        elif kustomization.ignores_missing_components and (place is None or place not in tree.files):
            continue
        else:
            shown = place if place is not None else text
            why = f"evalsymlink failure on '{shown}' : lstat {shown}: no such file or directory"
            reason = (
                'kustomize build failed: accumulating components: loader.New "must build at directory: '
                f'not a valid directory: {why}"'
            )
        outcomes.append(Outcome(Effect.FAILS, "component-not-found", reason, kustomization.file, line))
    return Components(tuple(references), tuple(outcomes), tuple(notes))


def misplaced(
    tree: Tree, kustomization: FluxKustomization, item: Object, path: str, *, sure: bool
) -> Outcome:
    """Why a path is not a folder, in the words of kustomize-controller.

    Args:
        tree: the files that reach Flux.
        kustomization: with the path.
        item: the same as an object, for the line.
        path: in the tree.
        sure: the tree has all the files of its source.
    """
    line = item.line_at(("spec", "path"))
    if not sure:
        reason = f"{path!a} is not a folder here, and its source may have other files"
        return Outcome(Effect.UNKNOWN, "path-not-found", reason, kustomization.file, line)
    if path in tree.files:
        reason = f"open {path}/kustomization.yaml: not a directory"
        return Outcome(
            Effect.FAILS,
            "path-is-file",
            reason,
            kustomization.file,
            line,
            f"name its folder, {parent(path)!a}",
        )
    above = any(folder in tree.files for folder in _above(path))
    why = "not a directory" if above else "no such file or directory"
    reason = f"kustomization path not found: stat {path}: {why}"
    return Outcome(Effect.FAILS, "path-not-found", reason, kustomization.file, line, _hint(tree, path))


def _hint(tree: Tree, path: str) -> str:
    if (tree.root / path).is_symlink():
        return "name the folder that the symbolic link points to: links do not reach Flux"
    if (tree.root / path).exists():
        return f"the folder {path!a} does not reach Flux: look into .gitignore and .sourceignore"
    name = path.rpartition("/")[2]
    others = [each for each in tree.folders if parent(each) == parent(path) or each.endswith(f"/{name}")]
    near = get_close_matches(path, others[:_COMPARED], n=1, cutoff=0.8)
    return f"correct the path; is it {near[0]!a}?" if near else "correct the path, or add the folder"


def _above(path: str) -> Iterator[str]:
    while path := parent(path):
        yield path
