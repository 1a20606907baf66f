"""YAML as go-yaml v3 reads it, and its sops block; every character outside of the changed values is kept."""

from __future__ import annotations

import re
from collections.abc import Iterable
from collections.abc import Mapping as MappingABC
from collections.abc import Sequence as Items
from contextlib import suppress
from operator import attrgetter

from fluxsecrets.errors import FluxsecretsError, FormatError, MetadataError
from fluxsecrets.namedtuples import NamedTuple
from fluxsecrets.records import replace
from fluxsecrets.sops.comparison import comments_of, same_data, same_documents_data
from fluxsecrets.sops.document import (
    Change,
    Comment,
    Data,
    Document,
    Entry,
    Leaf,
    Mapping,
    Node,
    Path,
    Sequence,
    to_data,
)
from fluxsecrets.sops.formats import (
    Changer,
    Edit,
    Format,
    Limits,
    StoresConfig,
    bytes_as_text,
    decode_text,
    encode_edited,
    mapped,
)
from fluxsecrets.sops.known import is_large, known_of
from fluxsecrets.sops.metadata import Metadata, metadata_to_data, parse_metadata
from fluxsecrets.sops.values import Value

from .block import (
    KEY,
    PartLayout,
    block_edit,
    former_block,
    indented,
    render_block,
    with_comments,
)
from .build import Builder, key_text, scalar_value
from .comments import place_comments
from .former import FormerBlock, block_again, kept_spelling
from .nodes import RawAlias, RawMapping, RawNode, RawSequence, line_start, parse_nodes
from .reading import read_roots, read_text
from .scalars import (
    BINARY_TAG,
    BLOCK_STYLES,
    BREAK,
    Layout,
    find_break,
    keeps_style,
    write_ciphertext,
    write_value,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import ClassVar

    from fluxsecrets.sops.beside import Beside

_DEFAULT_STEP = 2


class _FileLayout(NamedTuple):
    bom: bool
    layout: Layout
    parts: tuple[PartLayout, ...]
    block: FormerBlock | None
    former: Layout


class YamlFormat(Format):
    """YAML with any number of documents, each with a map at its root."""

    name: ClassVar[str] = "yaml"
    many_documents: ClassVar[bool] = True
    comment_sign: ClassVar[str] = "#"
    example: ClassVar[MappingABC[str, Data]] = {"key": "value"}

    def __init__(self, indent: int | None = None) -> None:
        """Take the columns to indent the `sops` block by; None follows the file's own indentation."""
        self._indent = indent

    def parse(self, data: bytes, limits: Limits) -> Document:
        """Read a plain or encrypted file; see `Format.parse`."""
        text, bom = decode_text(data, limits, "YAML")
        read = read_text(text, limits)
        metadata = _metadata(read.roots, read.lines)
        newline = "\r\n" if "\r" in text and "\r\n" in text else "\n"
        layout, parts = Layout(newline, self._indent or read.step or _DEFAULT_STEP), read.layouts
        return Document(
            format=self.name,
            source=text,
            parts=tuple(_without_block(root) for root in read.roots),
            metadata=metadata,
            layout=_FileLayout(
                bom,
                layout,
                parts,
                former_block(text, parts[0], metadata),
                layout,
            ),
        )

    def read_beside(self, data: bytes, limits: Limits, plain: Document) -> Beside | None:
        """What stands in a text that was just written; see `Format.read_beside`."""
        if is_large(data):  # all of its values would be there once more
            return None
        from .beside import read_beside  # decrypting does without

        try:
            text, _ = decode_text(data, limits, "YAML")
        except FluxsecretsError:
            return None
        return read_beside(text, limits, plain.parts)

    def read_again(self, data: bytes, limits: Limits, known: Iterable[tuple[Path, Value]]) -> Document:
        """Read a text that was just written; see `Format.read_again`."""
        text, _ = decode_text(data, limits, "YAML")
        roots, lines = read_roots(text, limits, known_of(data, known))
        _refuse_different_blocks(roots, lines)
        return Document(self.name, "", tuple(map(_without_block, roots)), _metadata(roots, lines))

    def rewrite(self, document: Document, changes: Iterable[Change], metadata: Metadata | None) -> bytes:
        """New text with the changes applied and the block set; see `Format.rewrite`."""
        file = document.layout
        assert isinstance(file, _FileLayout)  # noqa: S101 - made by `parse` above
        source, layout = document.source, file.layout
        changes = tuple(changes)
        emptied = _emptied(document.parts, changes)
        edits = [edit for change in changes for edit in _edits(source, change, file, emptied)]
        data = None if metadata is None else metadata_to_data(metadata)
        again = self._block_again(file, data)
        for part, root in zip(file.parts, document.parts, strict=True):
            edit = block_edit(source, part, data, layout, again)
            if edit is not None:
                edits = with_comments(source, part, root, edit, edits, layout)
        if metadata is not None:
            edits += _unterminated_block_scalar(document, changes)
        del changes  # a file may have many megabytes of them
        return encode_edited(source, edits, bom=file.bom)

    def _block_again(self, file: _FileLayout, data: dict[str, object] | None) -> FormerBlock | None:
        """The file's former block with other values, or only its indentation as an empty text."""
        former = file.block
        if former is None or data is None:
            return None
        from .again import rendered_again  # decrypting does without

        text = rendered_again(former, data, file.layout)
        if text is None:
            text = block_again(former, data, file.layout)
        if text is None:
            step = self._indent or former.step or file.layout.step
            text = indented(render_block({KEY: data}, step), former.column, file.layout)
        return former._replace(text=text)

    def laid_out_like(self, document: Document, previous: Document) -> Document:
        """The plain document, to be written with the layout of a former block; see `Format.laid_out_like`."""
        file, former = document.layout, previous.layout
        assert isinstance(file, _FileLayout)  # noqa: S101 - made by `parse` above
        assert isinstance(former, _FileLayout)  # noqa: S101 - likewise
        return replace(document, layout=file._replace(block=former.block, former=former.layout))

    def spells_alike(self, leaf: Leaf, old: str, new: str) -> bool:
        """Whether a text keeps the quotes of another, or goes without as that; see `Format.spells_alike`."""
        return not leaf.flow and all(keeps_style(text, leaf.style) for text in (old, new))

    def may_have_aliases(self, document: Document) -> bool:
        """Whether an alias may stand in the text; see `Format.may_have_aliases`."""
        return "*" in document.source

    def expand_aliases(
        self, document: Document, encrypted: Items[Leaf | Comment], limits: Limits
    ) -> Document:
        """The plain document with aliases written out; see `Format.expand_aliases`."""
        if not self.may_have_aliases(document):
            return document
        from .aliases import Expansion, expansion_edits

        file = document.layout
        assert isinstance(file, _FileLayout)  # noqa: S101 - made by `parse` above
        raw_documents = parse_nodes(document.source, limits)
        comments = [item for item in document.items if isinstance(item, Comment)]
        comments.sort(key=attrgetter("start"))
        for blocks in (True, False):
            expansion = Expansion(document.source, file.layout, comments, blocks)
            edits = expansion_edits(expansion, raw_documents, encrypted)
            if not edits:
                return document
            with suppress(FormatError):
                expanded = self.parse(encode_edited(document.source, edits, bom=file.bom), limits)
                if _holds_the_same(document, expanded):
                    return expanded
        raise FormatError(
            "the YAML aliases of this file could not be written out without changing values",
            hint="write the values out in place of the aliases by hand",
        )

    def written(self, parts: Items[Data]) -> bytes:
        """Plain data as block-style YAML; see `Format.written`."""
        texts = ["\n".join(render_block(part, self._indent or 4)) + "\n" for part in parts]
        return "---\n".join(texts).encode()

    def read(self, data: bytes) -> list[Data]:
        """What plain text holds; see `Format.read`."""
        text, _ = decode_text(data, Limits(size=len(data)), "YAML")
        return [_data_of(document.root) for document in parse_nodes(text, Limits())]

    def readable(self, parts: Items[Data]) -> list[Data]:
        """What reading gives for these data: bytes are text where they can be; see `Format.readable`."""
        return [mapped(part, bytes_as_text) for part in parts]

    def changer(self, document: Document) -> Changer:
        """What changes single values of a plain document."""
        from .change import YamlChanger  # of use to few commands, and large

        return YamlChanger(document)


def make(stores: StoresConfig) -> Format:
    """The format for one run."""
    return YamlFormat(stores.yaml_indent)


def load_documents(
    data: bytes,
    limits: Limits = Limits(),  # noqa: B008 - frozen
    *,
    last_wins: bool = False,
) -> tuple[Node, ...]:
    """Read any YAML stream, for those who only look: every document's tree, whatever its root.

    Args:
        data: the file; `either.load_either` reads JSON too.
        limits: of size, depth and alias expansion.
        last_wins: of several entries with one key the last one is taken, instead of an error.

    Returns:
        One node a document; an empty document is a null leaf. A `sops` block is an ordinary entry.

    Raises:
        FormatError: not YAML, duplicate or non-string keys.
        LimitError: too large, too deep, too much expansion.
    """
    text, _ = decode_text(data, limits, "YAML")
    raw_documents = parse_nodes(text, limits)
    builder = Builder(place_comments("", ()), last_wins=last_wins)
    return tuple(builder.build(document.root) for document in raw_documents)


def _data_of(node: RawNode) -> Data:
    """The data of text that was written here, which has neither aliases nor merge keys."""
    if isinstance(node, RawMapping):
        return {key_text(key): _data_of(value) for key, value in zip(node.keys, node.values, strict=True)}
    if isinstance(node, RawSequence):
        return [_data_of(item) for item in node.items]
    if isinstance(node, RawAlias):
        raise FormatError("an alias where none was written", line=node.line)
    if node.tag == BINARY_TAG:
        from base64 import b64decode

        return bytes_as_text(b64decode(node.text))
    return scalar_value(node)


def _edits(source: str, change: Change, file: _FileLayout, emptied: set[int]) -> list[Edit]:
    target, layout = change.target, file.layout
    if isinstance(target, Comment):
        return [(target.start, target.end, _comment_lines(source, target.start, str(change.value), layout))]
    if change.becomes_comment:
        # The item's dash goes as well: sops made a list item of a comment.
        start = source.rindex("-", 0, target.start)
        text = "#" + _comment_lines(source, start, str(change.value), layout)
        below = f"{layout.newline}{' ' * (start - line_start(source, start))}"
        behind = re.compile(r"[ \t]+(?=#)").match(source, target.end)
        if id(target) in emptied:
            text += f"{below}[]"
        elif behind is not None:
            return [(start, behind.end(), text + below)]  # a comment behind it gets a line of its own
        return [(start, target.end, text)]
    if change.encrypted:
        if change.kept is not None and (kept := kept_spelling(source, change, file.former)) is not None:
            return kept
        return write_ciphertext(source, target, str(change.value), layout)
    return write_value(source, target, change.value, layout)


def _holds_the_same(document: Document, expanded: Document) -> bool:
    return same_documents_data(document, expanded) and comments_of(document) == comments_of(expanded)


def _emptied(parts: Items[Mapping], changes: Items[Change]) -> set[int]:
    """The last items of lists in which sops wrote comments as items, and nothing else.

    Without them an empty list has to stand there, or the key would have no value.
    """
    comments = {id(change.target) for change in changes if change.becomes_comment}
    last: set[int] = set()
    pending: list[Node] = [*parts] if comments else []
    while pending:
        node = pending.pop()
        if isinstance(node, Mapping):
            pending += [item.value for item in node.entries if isinstance(item, Entry)]
        elif isinstance(node, Sequence):
            items = [item for item in node.items if not isinstance(item, Comment)]
            if items and all(id(item) in comments for item in items):
                last.add(id(items[-1]))
            pending += items
    return last


def _comment_lines(source: str, start: int, text: str, layout: Layout) -> str:
    """A comment's text behind its sign; other formats have comments of several lines."""
    if find_break(text, 0, len(text)) == len(text):
        return text
    lines = re.split(BREAK, text)
    lead = source[line_start(source, start) : start]
    blanks = len(lead) - len(lead.lstrip(" "))
    return f"{layout.newline}{' ' * blanks}#".join(lines)


def _metadata(roots: tuple[Mapping, ...], lines: tuple[int, ...]) -> Metadata | None:
    blocks = [root.get(KEY) for root in roots]
    if all(block is None for block in blocks):
        return None
    first = blocks[0]
    if first is None:
        number = next(index for index, block in enumerate(blocks) if block is not None)
        raise MetadataError(
            "only a later YAML document has a sops block, and sops reads the first one's",
            line=lines[number],
            hint="put one document in each file, or remove the empty document at the top",
        )
    if not isinstance(first, Mapping):
        raise MetadataError(
            "the key `sops` is not a sops block",
            line=_line_of_block(roots[0]),
            hint="rename the key: SOPS keeps its own data under that name",
        )
    data = to_data(first)
    assert isinstance(data, dict)  # noqa: S101 - a map's data
    try:
        return parse_metadata(data)
    except MetadataError as error:
        error.line = error.line or _line_of_block(roots[0])
        raise


def _refuse_different_blocks(roots: tuple[Mapping, ...], lines: tuple[int, ...]) -> None:
    """Refuse documents that have not the first one's block, which sops reads; Flux reads each by its own.

    Raises:
        MetadataError: a document has another block, or none.
    """
    first = roots[0].get(KEY)
    if first is None:
        return
    data = to_data(first) if len(roots) > 1 else None
    for root, line in zip(roots[1:], lines[1:], strict=True):
        block = root.get(KEY)
        if block is None and not any(isinstance(item, Entry) for item in root.entries):
            continue
        if block is None or not same_data(data, to_data(block)):
            raise MetadataError("the YAML documents have different sops blocks", line=line)


def _line_of_block(root: Mapping) -> int | None:
    return next((item.line for item in root.entries if isinstance(item, Entry) and item.key == KEY), None)


def _without_block(root: Mapping) -> Mapping:
    entries = tuple(item for item in root.entries if isinstance(item, Comment) or item.key != KEY)
    return Mapping(entries, root.start, root.end, root.flow)


def _unterminated_block_scalar(document: Document, changes: Items[Change]) -> list[tuple[int, int, str]]:
    """A block scalar that ends the file without a line break gets one now; keep it out of its value."""
    if document.source.endswith(("\n", "\r")) or not document.source:
        return []
    last: Leaf | None = None
    for last in document.leaves:  # noqa: B007 - the last one is wanted
        pass
    changed = {id(change.target) for change in changes}
    if (
        last is None
        or last.style not in BLOCK_STYLES
        or id(last) in changed
        or document.source[last.end :].strip(" ")
    ):
        return []
    header = document.source.index("|>"[last.style is BLOCK_STYLES[1]], last.start)
    indicators = re.compile(r"[0-9]?([-+]?)").match(document.source, header + 1)
    if indicators is None or not isinstance(last.value, str):
        return []
    text = last.value.removesuffix("\n")
    chomping = "" if text != last.value else "-"
    if indicators[1] == chomping or (chomping == "" and (not text or text.endswith("\n"))):
        return []
    return [(*indicators.span(1), chomping)]
