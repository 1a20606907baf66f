"""What a repository without environments has instead, and the folders that may well begin one."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.marks import SETTINGS_NAME, is_kustomization
from fluxsecrets.records import dataclass
from fluxsecrets.sops.formats.yaml.plain import may_be_plain

from .envnames import as_name, name_roots
from .flux import FluxKustomization, Sync
from .kustomize.build import Builder
from .kustomize.reading import kustomization_files, load_kustomization
from .othertools import find_uses, notes_of
from .roots import Marked, mark, read_flux, read_instances
from .sourceignore import artifact
from .terraform import read_patterns
from .toplevel import Led, is_hidden, lead, outermost
from .tree import Note, Tree, parent

_SHOWN = 5
"""Reasons and folders in a message; `env suggest` shows all."""

_MOST = 20
"""Folders that are suggested; more of them are rather not environments."""


_COMPONENT = re.compile(rb"(?m)^kind:[ ]*Component\b")


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A folder that may be an environment.

    Attributes:
        name: for `--env`.
        path: the folder.
        why: what shows it.
    """

    name: str
    path: str
    why: str


@dataclass(frozen=True, slots=True)
class Survey:
    """What was seen that has to do with Flux.

    Attributes:
        kustomizations: how many Flux Kustomizations there are.
        sources: what they are built from, as `GitRepository home`.
        sets: how many files have a ResourceSet, which makes Kustomizations in the cluster only.
        templates: how many files another tool renders before Flux sees them.
        reasons: why each Kustomization, and each FluxInstance, shows no environment.
        suggestions: folders that may be environments.
        others: what tools other than Flux read here, and is not analysed.
    """

    kustomizations: int = 0
    sources: tuple[str, ...] = ()
    sets: int = 0
    templates: int = 0
    reasons: tuple[Note, ...] = ()
    suggestions: tuple[Suggestion, ...] = ()
    others: tuple[Note, ...] = ()

    @property
    def sentence(self) -> str:
        """What was seen, for a message."""
        seen = [
            _counted(self.kustomizations, "Kustomization"),
            _counted(self.sets, "file with a ResourceSet", "files with ResourceSets"),
            _counted(
                self.templates, "template that another tool renders", "templates that another tool renders"
            ),
        ]
        found = [each for each in seen if not each.startswith("0 ")]
        if not found:
            return "nothing of Flux was seen: no Kustomization, no FluxInstance, no folder under clusters/"
        sources = f" from {', '.join(self.sources[:3])}" if self.sources else ""
        others = f", {', '.join(found[1:])}" if found[1:] else ""
        return f"{found[0]}{sources}{others}: none shows a folder that a cluster syncs"

    @property
    def lines(self) -> tuple[str, ...]:
        """Why it is none of these, for a message: the first ones."""
        more = len(self.reasons) - _SHOWN
        shown = (f"{note.path}:{note.line}: {note.message}" for note in self.reasons[:_SHOWN])
        others = (f"{note.path}:{note.line}: {note.message}" for note in self.others)
        return (*shown, *([f"and {more} more"] if more > 0 else []), *others)

    @property
    def advice(self) -> str:
        """What to do."""
        if self.suggestions:
            return f"add `{as_settings(self.suggestions[:_SHOWN])}` to {SETTINGS_NAME}"
        if self.templates and not self.kustomizations:
            return "render the templates first"
        example = as_settings([Suggestion("production", "clusters/production", "")])
        return f"name the folder that the cluster syncs in {SETTINGS_NAME}, such as `{example}`"


def survey(tree: Tree) -> Survey:
    """Look at a repository in which no environment was found."""
    marked = mark(tree)
    items, sources = read_flux(Builder(artifact(tree)), marked)
    syncs = read_instances(tree, marked)
    led = lead(tree, items, sources)
    found = dict(_candidates(tree, marked, led, syncs))
    names = name_roots(found)
    return Survey(
        len(items),
        tuple(dict.fromkeys(f"{each.source.kind} {each.source.name}" for each in items if each.source)),
        len(marked.sets),
        sum(path.endswith(".j2") for path in tree.paths),
        (*map(_unclear, syncs), *(_reason(item, led) for item in items)),
        tuple(Suggestion(as_name(names[path]), path, why) for path, why in found.items()),
        notes_of(find_uses(tree)),
    )


def as_settings(found: Iterable[Suggestion]) -> str:
    """Environments for `.fluxsecrets.yaml`, in one line."""
    return f"environments: {{{', '.join(map(as_entry, found))}}}"


def as_entry(each: Suggestion) -> str:
    """One entry of `environments`."""
    return f"{_quoted(each.name)}: {{path: {_quoted(each.path or '.')}}}"


def _quoted(text: str) -> str:
    return text if may_be_plain(text, flow=True) else json.dumps(text)


def _counted(number: int, one: str, many: str | None = None) -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"


# Why nothing shows an environment.


def _unclear(sync: Sync) -> Note:
    path = "a path that only the cluster knows" if sync.path is None else f"{sync.path!a}"
    return Note(sync.file, sync.line, f"FluxInstance: it syncs {path}, which is not one folder here")


def _reason(item: FluxKustomization, led: Iterable[Led]) -> Note:
    known = next((each for each in led if each.item is item), None)
    if known is None:
        reason = "its folder's name begins with a dot"
    elif known.folder is not None:
        reason = f"it applies {known.folder!a}, and another Kustomization applies it"
    elif item.path is None:
        reason = "only the cluster knows its path"
    else:
        source = f" of the {item.source.kind} {item.source.name!a}" if item.source is not None else ""
        reason = f"its path {item.path or './'!a}{source} is not a folder of this repository"
    return Note(item.file, item.line, f"Kustomization {item.name!a}: {reason}")


# Which folders may be one, the likeliest first.


def _candidates(
    tree: Tree, marked: Marked, led: Iterable[Led], syncs: Iterable[Sync]
) -> Iterator[tuple[str, str]]:
    """Folders with what shows them: those of the first kind that finds any."""
    for found in (
        lambda: _synced(tree, syncs),
        lambda: [(path, "Terraform names it") for path in read_patterns(tree)],
        lambda: _folders((each.item.file for each in led), "Kustomizations are in it"),
        lambda: _folders((path for path in marked.sets if not is_hidden(path)), "a ResourceSet is in it"),
        lambda: _overlays(tree),
    ):
        each = list(found())[:_MOST]
        if each:
            yield from each
            return


def _synced(tree: Tree, syncs: Iterable[Sync]) -> Iterator[tuple[str, str]]:
    for sync in syncs:
        if sync.path:
            for folder in sorted(tree.folders):
                if folder.endswith(f"/{sync.path}"):
                    yield folder, f"a FluxInstance syncs {sync.path!a}"


def _folders(paths: Iterable[str], why: str) -> list[tuple[str, str]]:
    return [(folder, why) for folder in sorted(outermost({parent(path) for path in paths}))]


def _overlays(tree: Tree) -> list[tuple[str, str]]:
    """Folders that kustomize builds and that no other kustomization file includes."""
    folders = {parent(path) for path in tree.paths if is_kustomization(path) and not is_hidden(path)}
    included: set[str] = set()
    for folder in folders:
        for path in kustomization_files(tree, folder):
            try:
                file = load_kustomization(tree, path)
                if _COMPONENT.search(tree.read(path)):
                    included.add(folder)
            except FluxsecretsError:
                continue
            included |= {each.path for each in (*file.resources, *file.components)}
    return [(folder, "kustomize builds it, and nothing includes it") for folder in sorted(folders - included)]
