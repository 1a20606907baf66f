"""Reads YAML as texts, lists and maps, without the half of PyYAML that is slow to import for a commit."""

from __future__ import annotations

from fluxsecrets.sops.libyaml import (
    CParser,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    YAMLError,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class _UnusualError(Exception):
    """The document has something that is neither text, list nor map, such as an alias."""


def load_texts(data: bytes) -> Any:
    """Return the only document of a text.

    Returns:
        Texts, lists and maps; None if there is no document or more than one, or if it has aliases, or
        keys that are no texts.
    """
    try:
        parser = CParser(data)
    except (YAMLError, ValueError):
        return None
    try:
        while parser.check_event() and not parser.check_event(DocumentStartEvent):
            parser.get_event()
        if not parser.check_event(DocumentStartEvent):
            return None
        parser.get_event()
        root = _node(parser, parser.get_event())
        parser.get_event()  # the document's end
        return None if parser.check_event(DocumentStartEvent) else root
    except (YAMLError, ValueError, RecursionError, _UnusualError):
        return None
    finally:
        parser.dispose()


def _node(parser: Any, event: Any) -> Any:
    if isinstance(event, ScalarEvent):
        return event.value
    if isinstance(event, SequenceStartEvent):
        items = []
        while not isinstance(event := parser.get_event(), SequenceEndEvent):
            items.append(_node(parser, event))
        return items
    if isinstance(event, MappingStartEvent):
        found = {}
        while not isinstance(event := parser.get_event(), MappingEndEvent):
            if not isinstance(event, ScalarEvent):
                raise _UnusualError
            found[event.value] = _node(parser, parser.get_event())
        return found
    raise _UnusualError
