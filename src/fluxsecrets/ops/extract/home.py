"""Where the Secret for extracted values belongs: to the object that has them, or the one that reads them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from fluxsecrets.repo.manifests import child, text_of

from .applied import Applied
from .manifest import Holder
from .model import Reader
from .planning import Home
from .readers import readers_of, readers_of_file


def home_of(path: str, holder: Holder, readers: Sequence[Reader]) -> Home:
    """Return what the Secret for the values of an object in a file belongs to."""
    if not holder.place.at_reader or not readers:
        return Home(path, holder.namespace, holder.node)
    node = readers[0].node
    return Home(readers[0].file, text_of(child(node, "metadata", "namespace")), node)


def readers_for(path: str, holder: Holder, environments: Iterable[Applied]) -> tuple[Reader, ...]:
    """Return the objects that refer to one in a file, or to what is generated from the file."""
    if holder.place.at_reader:
        return readers_of_file(environments, path)
    return () if holder.base else readers_of(environments, path, holder.part)
