"""A manifest file that values are taken out of: its objects, the values that keys name, and its new text."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from fluxsecrets.errors import AlreadyEncryptedError, FluxsecretsError, FormatError, UsageError
from fluxsecrets.marks import is_kustomization
from fluxsecrets.ops.files.keypaths import find_place
from fluxsecrets.repo.manifests import child, items_of, text_of
from fluxsecrets.sops.document import Comment, Document, Path, find
from fluxsecrets.sops.document import Mapping as MapNode
from fluxsecrets.sops.formats import Format, Limits
from fluxsecrets.sops.formats.changing import remove_value, set_value
from fluxsecrets.sops.formats.either import parse_either

from .model import Edit, Elsewhere, Place
from .places import place_of


@dataclass(frozen=True, slots=True)
class Holder:
    """An object whose values can be extracted.

    Attributes:
        part: the YAML document, from 0.
        base: where the object is in it: empty, or the place in a `kind: List`.
    """

    part: int
    base: Path
    node: MapNode = field(repr=False)
    place: Place

    @property
    def name(self) -> str:
        """`metadata.name`, or ""."""
        return text_of(child(self.node, "metadata", "name")) or ""

    @property
    def namespace(self) -> str | None:
        """`metadata.namespace`, if the file has it."""
        return text_of(child(self.node, "metadata", "namespace"))

    @property
    def shown(self) -> str:
        """Kind and name, such as `HelmRelease grafana`."""
        return f"{text_of(self.node.get('kind')) or self.place.shown} {self.name}".rstrip()


@dataclass(frozen=True, slots=True)
class ManifestFile:
    """A plain manifest file.

    Attributes:
        holders: the objects whose values can be extracted.
    """

    format: Format
    document: Document
    holders: tuple[Holder, ...]


def read_manifest(data: bytes, limits: Limits, path: str = "") -> ManifestFile:
    """Read a file.

    Args:
        data: its content.
        limits: what reading may cost.
        path: its name counts, since a kustomization file need not say that it is one.

    Raises:
        FormatError, LimitError: it is not YAML or JSON with maps at the top.
        AlreadyEncryptedError: its values are encrypted.
    """
    format_, document = parse_either(data, limits)
    if document.metadata is not None:
        raise AlreadyEncryptedError(
            "the file is encrypted, so its values are protected already",
            hint="name a plain manifest",
        )
    holders = () if is_kustomization(path) else tuple(_holders(document))
    return ManifestFile(format_, document, holders)


def key_text(path: Path) -> str:
    """Return a path as a KEY that `chosen_paths` reads back."""
    if any(isinstance(step, str) and (not step or set(step) & set("[]")) for step in path):
        return "".join(f"[{json.dumps(step, ensure_ascii=False)}]" for step in path)
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".")


def _holders(document: Document) -> Iterator[Holder]:
    for number, part in enumerate(document.parts):
        for base, node in _objects(part):
            place = place_of(node)
            if place is not None:
                yield Holder(number, base, node, place)


def _objects(part: MapNode) -> Iterator[tuple[Path, MapNode]]:
    yield (), part
    if (text_of(part.get("kind")) or "").endswith("List"):
        for number, item in enumerate(items_of(part.get("items"))):
            if isinstance(item, MapNode):
                yield ("items", number), item


def chosen_paths(file: ManifestFile, keys: Iterable[str], number: int | None) -> dict[int, tuple[Path, ...]]:
    """Find the values that keys name.

    Args:
        file: the manifest.
        keys: full ones, or starting where the values of the object are, such as below `spec.values`.
        number: the YAML document, from 1, or None for all.

    Returns:
        By the position of the object among the holders, the paths below it; none inside another one.

    Raises:
        UsageError: a key does not exist, or several objects have it; or no object's values can be extracted.
    """
    holders = [(at, each) for at, each in enumerate(file.holders) if number in (None, each.part + 1)]
    if not holders:
        raise UsageError(
            "the file has no object whose values can be extracted"
            if number is None
            else f"document {number} of the file has no object whose values can be extracted",
            hint="name a HelmRelease, a ConfigMap or an object with containers",
        )
    found: dict[int, set[Path]] = {}
    for key in keys:
        hits = [(at, paths) for at, each in holders if (paths := _paths(file.document, each, key))]
        if not hits:
            raise _unknown(key, [each for _, each in holders])
        if len(hits) > 1:
            where = ", ".join(file.holders[at].shown for at, _ in hits)
            raise UsageError(
                f"the key {key!a} is ambiguous: {where} have it", hint="choose one with --document N"
            )
        at, paths = hits[0]
        found.setdefault(at, set()).update(paths)
    return {at: outermost(paths) for at, paths in found.items()}


def _paths(document: Document, holder: Holder, key: str) -> tuple[Path, ...]:
    """The values that a key names in an object.

    A key starts at the object, at its values, or at the YAML document around it; or it is a value's name.
    """
    root, base = holder.place.root, holder.base
    whole = document.parts[holder.part]
    for node, before in ((holder.node, base), (find(holder.node, root), base + root), (whole, ())):
        if not isinstance(node, MapNode):
            continue
        try:
            place = find_place(replace(document, parts=(node,)), key)
        except UsageError:
            continue
        path = before + place.path
        if len(path) > len(base + root) and path[: len(base + root)] == base + root:
            return (path[len(base) :],)
    return tuple(each.path for each in holder.place.literals(holder.node) if each.name == key)


def _unknown(key: str, holders: list[Holder]) -> FluxsecretsError:
    import difflib  # only for a key that does not exist

    known = [
        literal.name or key_text(literal.path[len(each.place.root) :])
        for each in holders
        for literal in each.place.literals(each.node)
    ]
    near = difflib.get_close_matches(key, known, n=1)
    return UsageError(
        f"the file has no value {key!a} that can be extracted",
        hint=f"did you mean {near[0]}?" if near else "`fluxsecrets extract FILE` lists what it has",
    )


def outermost(paths: Iterable[Path]) -> tuple[Path, ...]:
    """Return paths in order, without those that lead through another one."""
    chosen: list[Path] = []
    for path in sorted(paths, key=len):
        if not any(path[: len(each)] == each for each in chosen):
            chosen.append(path)
    return tuple(sorted(chosen, key=lambda path: tuple(map(str, path))))


@dataclass(frozen=True, slots=True)
class Edited:
    """A file's text after edits of one object.

    Attributes:
        comments: what went with a removed value, by its path below the object.
    """

    data: bytes = field(repr=False)
    comments: Mapping[Path, tuple[str, ...]] = field(repr=False)


def edited(data: bytes, holder: Holder | Elsewhere, edits: Iterable[Edit], limits: Limits) -> Edited:
    """Edit one object of a file; everything else in it stays.

    Raises:
        FormatError: the text can't be changed without touching anything else.
    """
    gone: dict[Path, tuple[str, ...]] = {}
    for edit in edits:
        format_, document = parse_either(data, limits)
        data = _after(format_, document, holder, edit, limits)
        if edit.remove:
            left = Counter(_comments(format_.parse(data, limits)))
            gone[edit.path] = tuple(text for text in _comments(document) if not _take(left, text))
    return Edited(data, gone)


def _after(
    format_: Format, document: Document, holder: Holder | Elsewhere, edit: Edit, limits: Limits
) -> bytes:
    path = holder.base + edit.path
    try:
        if edit.remove:
            return remove_value(format_, document, path, limits, part=holder.part)
        return set_value(format_, document, path, edit.value, limits, part=holder.part)
    except FormatError as error:
        error.hint = "write out YAML aliases and merge keys first, or change the manifest by hand"
        raise


def _comments(document: Document) -> list[str]:
    return [item.text.strip() for item in document.items if isinstance(item, Comment)]


def _take(counter: Counter[str], text: str) -> bool:
    counter[text] -= 1
    return counter[text] >= 0
