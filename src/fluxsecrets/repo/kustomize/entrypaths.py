"""The paths in a kustomization file: where they lead, and in which format Flux decrypts what is there.

How formats are told follows kustomize-controller: `formatForPath` and `decryptKustomizationSources` in
internal/decryptor/decryptor.go.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from fluxsecrets.repo.manifests import items_of, text_of
from fluxsecrets.repo.tree import Note, normalise, parent
from fluxsecrets.sops.document import Leaf, Node
from fluxsecrets.sops.formats import format_for_path

from .kustomizationfields import Fault
from .kustomizationfile import Elsewhere, Reference, SourceFile

# A scheme, an scp-like address, or a host that kustomize knows without a scheme.
_REMOTE = re.compile(
    r"(?:[A-Za-z][A-Za-z0-9+.-]*::?//|git::|[\w.-]+@[\w.-]+[:/]|(?:github\.com|gitlab\.com|bitbucket\.org)[:/])|.*[?&](?:ref|version)="
)


def format_for_key(key: str) -> str:
    """The format in which Flux decrypts a generator's file: its key in the Secret decides."""
    if key.endswith(".dockerconfigjson"):
        return "json"
    return format_for_path(key)


def format_for_env(path: str) -> str:
    """The format in which Flux decrypts a file under `envs`: by its name, or else dotenv."""
    name = format_for_key(path)
    return "dotenv" if name == "binary" else name


def is_remote(path: str) -> bool:
    """Whether kustomize would fetch a resource from a remote place."""
    return _REMOTE.match(path) is not None


class Places:
    """Turns nodes of one file into references, and collects its notes."""

    def __init__(self, path: str) -> None:
        """Take the path of the file."""
        self.path = path
        self.folder = parent(path)
        self.notes: list[Note] = []
        self.faults: list[Fault] = []
        self.elsewhere: dict[Elsewhere, None] = {}

    def note(self, line: int | None, message: str) -> None:
        """Keep a note on the file."""
        self.notes.append(Note(self.path, line, message))

    def locate(self, node: Leaf, text: str) -> Reference | None:
        """The place that a text names, or None and a note."""
        if is_remote(text):
            self.elsewhere[Elsewhere(text, node.line, remote=True)] = None
            self.note(node.line, f"{text!a} is fetched from elsewhere, not followed")
            return None
        found = normalise(text, self.folder)
        if found is None:
            self.elsewhere[Elsewhere(text, node.line, remote=False)] = None
            self.note(node.line, f"{text!a} leads out of the repository, not followed")
            return None
        return Reference(found, node.line)

    def references(self, node: Node | None) -> Iterator[Reference]:
        """The places of a list of paths."""
        for item in items_of(node):
            text = text_of(item)
            # A text with line breaks is an object written in place
            if isinstance(item, Leaf) and text and "\n" not in text:
                found = self.locate(item, text)
                if found is not None:
                    yield found

    def one(self, node: Node | None) -> Iterator[Reference]:
        """The place of one path, if there is one."""
        text = text_of(node)
        if isinstance(node, Leaf) and text:
            found = self.locate(node, text)
            if found is not None:
                yield found

    def quietly(self, found: Iterator[Reference]) -> list[Reference]:
        """References without their notes, which are made elsewhere."""
        known = len(self.notes)
        references = [*found]
        del self.notes[known:]
        return references

    def keyed(self, node: Node | None) -> Iterator[SourceFile]:
        """`[key=]path`, split at the first `=`; without a key the whole path decides the format."""
        for item in items_of(node):
            text = text_of(item)
            if not isinstance(item, Leaf) or not text:
                continue
            key, separator, path = text.partition("=")
            found = self.locate(item, path if separator else key)
            if found is not None:
                yield SourceFile(found.path, format_for_key(key), found.line)
