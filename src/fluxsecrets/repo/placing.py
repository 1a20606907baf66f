"""What is wrong with the place that a Kustomization is built from."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

from .flux import FluxKustomization
from .objects import Object
from .outcome import Effect, Outcome
from .tree import Tree, parent


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
    near = get_close_matches(path, tree.folders, n=1, cutoff=0.8)
    return f"correct the path; is it {near[0]!a}?" if near else "correct the path, or add the folder"


def _above(path: str) -> Iterator[str]:
    while path := parent(path):
        yield path
