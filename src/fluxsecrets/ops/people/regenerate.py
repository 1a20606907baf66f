"""Generate values again as an annotation of their Secret says.

`fluxsecrets.io/generate: password=password:32, token=hex:32` names keys of `data` and `stringData`. In a
Secret with one value the kind is enough. The annotation is plain text, so anyone who can change the file can
add one. It can only make a value random, and the file's MAC covers it if the MAC covers plain values.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field

from fluxsecrets.errors import ConfigError
from fluxsecrets.ops.files.content import OpenedFile, own_selector
from fluxsecrets.ops.files.generated import generate
from fluxsecrets.ops.run.session import Session
from fluxsecrets.repo.manifests import child, text_of
from fluxsecrets.sops.document import Entry, Leaf, Mapping, show_path
from fluxsecrets.sops.formats.changing import set_value

ANNOTATION = "fluxsecrets.io/generate"
"""Says how the values of a Secret are made."""

_FIELDS = ("stringData", "data")


@dataclass(frozen=True, slots=True)
class Regenerated:
    """A file with new values, and their keys as shown to the user."""

    text: bytes = field(repr=False)
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Wanted:
    part: int
    path: tuple[str, str]
    spec: str


def regenerated(session: Session, opened: OpenedFile) -> Regenerated | None:
    """Make the values of an opened file anew whose annotation says how.

    Returns:
        None where no annotation says anything.

    Raises:
        ConfigError: an annotation names what is not there, or a kind that is not known.
    """
    format_ = opened.format
    wanted = [each for index, part in enumerate(opened.parts) for each in _wanted(part, index)]
    if format_.single_value or not wanted:
        return None
    selector = own_selector(opened.metadata)
    text = opened.text()
    for each in wanted:
        if not selector.encrypts(each.path):
            raise ConfigError(
                f"{ANNOTATION} names {show_path(each.path)}, which is not encrypted in this file"
            )
        value = generate(each.spec)
        data = base64.b64encode(value.encode()).decode() if each.path[0] == "data" else value
        document = format_.parse(text, session.limits)
        text = set_value(format_, document, each.path, data, session.limits, part=each.part)
    return Regenerated(text, tuple(show_path(each.path) for each in wanted))


def _wanted(part: Mapping, index: int) -> list[_Wanted]:
    note = text_of(child(part, "metadata", "annotations", ANNOTATION))
    if note is None or text_of(part.get("kind")) != "Secret":
        return []
    values = {
        entry.key: (name, entry.key)
        for name in reversed(_FIELDS)
        for entry in _entries(part, name)
        if isinstance(entry.value, Leaf)
    }
    found = []
    for text in note.replace("\n", ",").split(","):
        if not text.strip():
            continue
        key, equals, spec = (piece.strip() for piece in text.partition("="))
        if not equals:
            if len(values) != 1:
                raise ConfigError(
                    f"{ANNOTATION} does not say which of {len(values)} values it is about",
                    hint=f"write KEY={key}",
                )
            spec, key = key, next(iter(values))
        if key not in values:
            raise ConfigError(f"{ANNOTATION} names {key!a}, and this Secret has no such value")
        found.append(_Wanted(index, values[key], spec))
    return found


def _entries(part: Mapping, name: str) -> list[Entry]:
    node = part.get(name)
    return [entry for entry in node.entries if isinstance(entry, Entry)] if isinstance(node, Mapping) else []
