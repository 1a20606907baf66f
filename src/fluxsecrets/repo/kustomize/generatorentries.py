"""The entries of `secretGenerator` and `configMapGenerator` in a kustomization file."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.repo.manifests import child, items_of, line_of, text_of
from fluxsecrets.repo.objects import Origin, Source
from fluxsecrets.repo.tree import normalise
from fluxsecrets.sops.document import Leaf, Node, to_data

from .entrypaths import Places, format_for_env, format_for_key, is_remote
from .kustomizationfile import Generator, Reference, SourceFile
from .oldyaml import old_pairs


def read_generator(places: Places, node: Node, root: Node | None) -> Generator:
    """One entry of `secretGenerator`."""
    made = _generator(places, node, root, decrypted=True)
    for found in places.one(child(node, "env")):
        places.note(found.line, "Flux does not decrypt files under `env`: list the file under `envs`")
    for line in made.literals:
        places.note(
            line,
            "a literal of a secretGenerator is plain text that Flux cannot decrypt: move it to a file",
        )
    return made


def read_config_generator(places: Places, node: Node, root: Node | None) -> Generator:
    """One entry of `configMapGenerator`; notes on where its files are come from `config_files`."""
    known = len(places.notes)
    made = _generator(places, node, root, decrypted=False)
    del places.notes[known:]
    return made


def _generator(places: Places, node: Node, root: Node | None, *, decrypted: bool) -> Generator:
    problems: list[tuple[str, int]] = []
    files = [*places.keyed(child(node, "files"))]
    sources = [*_envs(places, node, decrypted=decrypted)]
    envs = [
        SourceFile(found.path, format_for_env(found.path), found.line)
        for part in (places.references(child(node, "envs")), places.quietly(places.one(child(node, "env"))))
        for found in part
    ]
    listed = [item for item in items_of(child(node, "literals")) if isinstance(item, Leaf)]
    literals = [item for item in listed if item.value not in (None, "")]
    for item in listed:
        key, separator, value = str(item.value).partition("=")
        if not key or not separator:
            problems.append(("invalid literal source, expected key=value", item.line))
        sources.append(Source(Origin.LITERAL, key, "", "", item.line, _without_quotes(value)))
    for source in _files(places, node, decrypted=decrypted):
        if isinstance(source, Source):
            sources.append(source)
        else:
            problems.append(source)
    keys = [
        key if separator else key.rpartition("/")[2]
        for item in items_of(child(node, "files"))
        if (text := text_of(item))
        for key, separator, _ in (text.partition("="),)
    ]
    keys += [str(item.value).partition("=")[0] for item in literals]
    line = line_of(node) or 1
    if not text_of(child(node, "name")):
        problems.append(("a configmap must have a name", line))
    parts = (child(root, "generatorOptions"), child(node, "options"))
    return Generator(
        text_of(child(node, "name")),
        line,
        (*files, *envs),
        tuple(item.line for item in literals),
        tuple(dict.fromkeys(keys)),
        not envs,
        text_of(child(node, "namespace")),
        text_of(child(node, "behavior")) or "create",
        not flag(parts, "disableNameSuffixHash"),
        tuple(sources),
        text_of(child(node, "type")),
        _options(parts, "labels"),
        _options(parts, "annotations"),
        flag(parts, "immutable"),
        next(iter(problems), None),
    )


def _envs(places: Places, node: Node, *, decrypted: bool) -> Iterator[Source]:
    for found in places.quietly(places.references(child(node, "envs"))):
        format_ = format_for_env(found.path) if decrypted else ""
        yield Source(Origin.ENVS, "", found.path, format_, found.line)
    for found in places.quietly(places.one(child(node, "env"))):  # which Flux does not decrypt
        yield Source(Origin.ENVS, "", found.path, "", found.line)


def _files(places: Places, node: Node, *, decrypted: bool) -> Iterator[Source | tuple[str, int]]:
    """The sources of `files`, or what is wrong with one (`ParseFileSource`)."""
    for item in items_of(child(node, "files")):
        text = text_of(item)
        if not isinstance(item, Leaf) or not text:
            continue
        key, separator, path = text.partition("=")
        if "=" in path:
            yield f"source {text!a} key name or file path contains '='", item.line
        elif separator and not (key and path):
            missing = "key name for file path" if path else "file path for key name"
            yield f"missing {missing} in source {text!a}", item.line
        elif not is_remote(path or key) and (place := normalise(path or key, places.folder)) is not None:
            name = key if separator else key.rpartition("/")[2]
            yield Source(Origin.FILE, name, place, format_for_key(key) if decrypted else "", item.line)


def config_files(places: Places, node: Node) -> Iterator[Reference]:
    """The files that one entry of `configMapGenerator` reads."""
    yield from (Reference(file.path, file.line) for file in places.keyed(child(node, "files")))
    yield from places.references(child(node, "envs"))
    yield from places.one(child(node, "env"))


def flag(parts: tuple[Node | None, ...], key: str) -> bool:
    """Whether an option is set in one of the maps."""
    return any(getattr(child(part, key), "value", None) is True for part in parts)


def _options(parts: tuple[Node | None, ...], key: str) -> tuple[tuple[str, str], ...]:
    return tuple(
        {name: value for part in parts for name, value in old_pairs(child(part, key)).items()}.items()
    )


def _without_quotes(value: str) -> str:
    """A literal's value; quotes around all of it do not count (`removeQuotes`)."""
    if len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'":
        return value[1:-1]
    return value


def _plain(node: Node | None) -> object:
    return None if node is None else to_data(node)
