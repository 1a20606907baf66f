"""Raw YAML nodes -> the document tree: typed, aliases written out, duplicate and non-string keys refused."""

from __future__ import annotations

from fluxsecrets.errors import FormatError
from fluxsecrets.sops.document import Comment, Entry, Leaf, Mapping, Node, Path, Sequence, Style
from fluxsecrets.sops.values import Value

from .comments import PlacedComments
from .nodes import RawAlias, RawMapping, RawNode, RawScalar, RawSequence
from .scalars import MERGE_TAG, STR_TAG, ScalarError, resolve_plain, resolve_tagged

_PLAIN = Style.PLAIN  # an Enum's member takes long to look up, and every scalar asks for it


class Builder:
    """Builds the trees of one file."""

    __slots__ = ("_comments", "_last_wins")

    def __init__(self, comments: PlacedComments, *, last_wins: bool = False) -> None:
        """Take where the file's comments belong.

        Args:
            comments: of the file.
            last_wins: of several entries with one key the last one is taken, instead of an error.
        """
        self._comments = comments
        self._last_wins = last_wins

    def build(self, raw: RawNode, path: Path = (), *, alias: RawAlias | None = None) -> Node:
        """The tree below one raw node.

        Args:
            raw: the node; the parser limited its depth, and what its aliases expand to.
            path: where it stands.
            alias: the alias through which it was reached, if any.

        Raises:
            FormatError: keys that are duplicates or no strings, or a scalar that has no value.
        """
        kind = type(raw)
        if kind is RawScalar:
            return self._leaf(raw, path, alias)  # type: ignore[arg-type]
        if kind is RawMapping:
            return self._mapping(raw, path, alias)  # type: ignore[arg-type]
        if kind is RawSequence:
            return self._sequence(raw, path, alias)  # type: ignore[arg-type]
        assert isinstance(raw, RawAlias)  # noqa: S101 - the only kind left
        return self.build(raw.target, path, alias=alias or raw)

    def comments_alone(self, raw: RawScalar) -> tuple[Comment, ...]:
        """The comments of a document that holds nothing else."""
        return tuple(item for item in self._comments.merge_entries(raw, [], ()) if isinstance(item, Comment))

    def _leaf(self, raw: RawScalar, path: Path, alias: RawAlias | None) -> Leaf:
        value = scalar_value(raw)
        if alias is None:
            return Leaf(path, value, raw.properties, raw.end, raw.line, raw.style, raw.flow)
        return Leaf(path, value, alias.start, alias.end, alias.line, Style.PLAIN, alias.flow, alias=True)

    def _mapping(self, raw: RawMapping, path: Path, alias: RawAlias | None) -> Mapping:
        entries: list[Entry | Comment] = []
        seen: dict[str, int] = {}
        for raw_key, raw_value in zip(raw.keys, raw.values, strict=True):
            key = key_text(raw_key)
            if key in seen and self._last_wins:
                entries = [each for each in entries if not isinstance(each, Entry) or each.key != key]
            elif key in seen:
                raise FormatError(
                    f"the key {key!a} is in a map twice, first on line {seen[key]}",
                    line=raw_key.line,
                    column=raw_key.column + 1,
                    hint="remove or rename one of them",
                )
            seen[key] = raw_key.line
            value = self.build(raw_value, (*path, key), alias=alias)
            key_start = raw_key.properties if type(raw_key) is RawScalar else raw_key.start
            merge = key == "<<" and is_merge_key(raw_key)
            entries.append(Entry(key, value, key_start, raw_key.end, raw_key.line, merge))
        return Mapping(
            self._comments.merge_entries(raw, entries, path) if alias is None else tuple(entries),
            raw.start,
            raw.end,
            raw.flow,
        )

    def _sequence(self, raw: RawSequence, path: Path, alias: RawAlias | None) -> Sequence:
        items = [self.build(item, (*path, number), alias=alias) for number, item in enumerate(raw.items)]
        return Sequence(
            self._comments.merge_items(raw, items, path) if alias is None else tuple(items),
            raw.start,
            raw.end,
            raw.flow,
        )


def is_merge_key(raw: RawNode) -> bool:
    """Whether a key is YAML's merge key: a plain `<<`, or tagged so; quoted it is an ordinary key."""
    if not isinstance(raw, RawScalar) or raw.text != "<<":
        return False
    return raw.tag == MERGE_TAG or (raw.tag is None and raw.style is Style.PLAIN)


def key_text(raw: RawNode) -> str:
    """The text of a map key.

    Raises:
        FormatError: the key is not a string; sops and Kubernetes know no other.
    """
    target = raw.target if type(raw) is RawAlias else raw
    if type(target) is RawScalar:
        value = target.text if target.tag == MERGE_TAG else scalar_value(target)
        if isinstance(value, str):
            return value
    raise FormatError(
        "a map key is not a string",
        line=raw.line,
        column=raw.column + 1,
        hint='put it in quotes, such as "1": or "true":',
    )


def scalar_value(raw: RawScalar) -> Value:
    """The typed value of a scalar.

    Raises:
        FormatError: an integer that is too large, or text that does not fit its tag.
    """
    text, tag = raw.text, raw.tag
    if tag == "!":
        tag = None  # go-yaml ignores it, while YAML's specification makes a string of the scalar
    if tag is None:
        if raw.style is not _PLAIN:
            return text
    elif tag == STR_TAG:
        return text
    try:
        if tag is None:
            return resolve_plain(text)
        return resolve_tagged(text, tag, plain=raw.style is _PLAIN)
    except ScalarError as error:
        raise FormatError(str(error), line=raw.line, column=raw.column + 1) from None
