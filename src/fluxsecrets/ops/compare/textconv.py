"""Show a file with its values masked, as text that can be compared line by line: git's textconv.

No key is needed: what is shown of a ciphertext is in it, and its token is a hash of it. So a value that was
not encrypted anew keeps its token, and the text tells nothing that the file does not.

A secret in plain text is masked, too. A hash of it could be guessed, so its token needs a key that only this
machine has; without one it has no token.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import PurePath

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.marks import MANIFEST_SUFFIXES, read_ciphertext
from fluxsecrets.repo.configfiles import why_plain
from fluxsecrets.repo.encrypted import detect_encryption
from fluxsecrets.repo.manifests import Manifest, child, read_documents
from fluxsecrets.repo.secretobject import FIELDS
from fluxsecrets.sops.document import (
    Change,
    Comment,
    Document,
    Leaf,
    leaves_of,
    to_data,
)
from fluxsecrets.sops.document import Mapping as MapNode
from fluxsecrets.sops.formats import Format, Limits, format_for_path, make_format
from fluxsecrets.sops.metadata import Metadata, parse_metadata
from fluxsecrets.sops.naming import whole_recipient
from fluxsecrets.sops.selection import is_empty, selected
from fluxsecrets.sops.selectors import compile_selector
from fluxsecrets.sops.values import Value, canonical_bytes, type_name

from .leanblock import BLOCK_SIGN, block_lines
from .places import SEALED, is_copy, is_secret_place, manifest_in
from .tokens import decoded_length, placeholder, token_of

PlainToken = Callable[[bytes], str]
"""A token for plain text, which nobody else can compute; "" if this machine has no key."""

_PLAIN = "plain text,"
_MOST_LINES = 10_000
"""Lines of a file in conflict: to compare the sides takes more than linear time."""


def masked_text(data: bytes, name: str, limits: Limits, plain_token: PlainToken) -> str | None:
    """The masked text of a file, or None for one that is not a secret and may be shown as it is.

    Args:
        data: the content.
        name: of the file; git keeps it for the old versions that it shows.
        limits: of the input.
        plain_token: makes the tokens of plain text.
    """
    try:
        return _masked(data, name, limits, plain_token)
    except FluxsecretsError as error:
        with suppress(FluxsecretsError):
            sides = _sides(data, name, limits, plain_token)
            if sides is not None:
                return _with_markers(*sides)
        return _unreadable(data, error, plain_token)


def _masked(data: bytes, name: str, limits: Limits, plain_token: PlainToken) -> str | None:
    """As `masked_text`.

    Raises:
        FluxsecretsError: the file can't be read.
    """
    encrypted = detect_encryption(data, name)
    if encrypted is None and (not data.strip() or why_plain(PurePath(name)) is not None):
        return None
    format_ = make_format(encrypted or format_for_path(name.lower()))
    document = format_.parse(data, limits)
    masker = _Masker(document, plain_token, single_value=format_.single_value)
    if encrypted is None and masker.is_harmless:
        return None
    text = _without_block(format_, document, masker)
    return "".join(f"{line}\n" for line in (*text, *_blocks(data, name, document, limits)))


def _sides(data: bytes, name: str, limits: Limits, plain_token: PlainToken) -> tuple[str, str] | None:
    """The masked texts of both sides of a file with conflict markers; None if it has none.

    Raises:
        FluxsecretsError: a side can't be read.
    """
    from fluxsecrets.merging.markers import read_markers  # few files are in conflict

    hunks = read_markers(data)
    if hunks is None or data.count(b"\n") > _MOST_LINES:
        return None
    sides = [_masked(side, name, limits, plain_token) for side in (hunks.ours, hunks.theirs)]
    # What is between the markers of the base is not shown. A side that is not a secret is, as it is.
    ours, theirs = (
        side.decode("utf-8", "replace") if shown is None else shown
        for side, shown in zip((hunks.ours, hunks.theirs), sides, strict=True)
    )
    return ours, theirs


def _with_markers(ours: str, theirs: str) -> str:
    """Two texts as one, with conflict markers around the lines that differ."""
    from difflib import SequenceMatcher

    one, two = ours.splitlines(keepends=True), theirs.splitlines(keepends=True)
    lines: list[str] = []
    for kind, start, end, first, last in SequenceMatcher(None, one, two, autojunk=False).get_opcodes():
        if kind == "equal":
            lines += one[start:end]
        else:
            lines += ["<<<<<<<\n", *one[start:end], "=======\n", *two[first:last], ">>>>>>>\n"]
    return "".join(lines)


def _unreadable(data: bytes, error: FluxsecretsError, plain_token: PlainToken) -> str:
    """What is shown of a file of which nothing may be shown; the token tells that it changed."""
    place = f"line {error.line}: " if error.line is not None else ""
    shown = placeholder("content", len(data), plain_token(data))
    return f"{BLOCK_SIGN}not shown, since it can't be read: {place}{error.message}\n{shown}\n"


def _without_block(format_: Format, document: Document, masker: _Masker) -> list[str]:
    if format_.single_value:
        return [change.value for change in masker.changes() if isinstance(change.value, str)]
    changes = masker.changes()
    return format_.rewrite(document, changes, None).decode("utf-8").removesuffix("\n").split("\n")


class _Masker:
    """Decides what is shown of a document."""

    def __init__(self, document: Document, plain_token: PlainToken, *, single_value: bool) -> None:
        self._document, self._token = document, plain_token
        self._single = single_value
        self._manifests = [manifest_in(node) for node in document.parts]

    @property
    def is_harmless(self) -> bool:
        """Whether a plain file holds Kubernetes objects, and no Secret or SealedSecret among them."""
        found = [each for each in self._manifests if each is not None]
        full = sum(any(leaves_of(node)) for node in self._document.parts)
        return len(found) == full > 0 and not any(map(_holds_secrets, found))

    def changes(self) -> list[Change]:
        """What stands for each value and comment that is not shown."""
        return [
            Change(item, text, encrypted=False)
            for item, text in self._texts()
            if not (isinstance(item, Leaf) and item.alias)
        ]

    def _texts(self) -> Iterator[tuple[Leaf | Comment, str]]:
        secret = self._selected()
        places = self._by_manifest()
        for item in self._document.items:
            value: Value = item.text if isinstance(item, Comment) else item.value
            if isinstance(value, str) and (shown := _ciphertext(value)) is not None:
                yield item, shown
            elif is_empty(value):
                continue
            elif isinstance(item, Comment):
                if id(item) in secret:
                    yield item, f" {self._plain(item.text)}"
            elif id(item) in places:
                yield item, places[id(item)] or self._plain(value)
            elif id(item) in secret:
                yield item, self._plain(value)

    def _plain(self, value: Value) -> str:
        data = canonical_bytes(value)
        return placeholder(f"{_PLAIN} {type_name(value)}", len(data), self._token(data))

    def _selected(self) -> set[int]:
        """What the selector of an encrypted file encrypts; of a plain file, what should be encrypted."""
        metadata = self._document.metadata
        if metadata is None:
            everything = not any(self._manifests)
            return {id(item) for item in self._document.items if everything or self._is_beside_values(item)}
        selector = compile_selector(metadata.selector)
        found = selected(self._document, selector, single_value=self._single)
        return {id(item) for item, encrypts in found if encrypts}

    def _is_beside_values(self, item: Leaf | Comment) -> bool:
        """Whether a comment is among the values of a Secret: often it has an old one."""
        return isinstance(item, Comment) and any(step in FIELDS for step in item.path[:3])

    def _by_manifest(self) -> dict[int, str]:
        """The values that are secret by the object that they are in, and what to show if not a mask."""
        found: dict[int, str] = {}
        for node, manifest in zip(self._document.parts, self._manifests, strict=True):
            if manifest is None:
                continue
            for leaf in leaves_of(node):
                if _is_sealed(manifest) and leaf.path[:2] in SEALED:
                    found[id(leaf)] = placeholder("sealed", None, token_of(str(leaf.value)))
                elif is_secret_place(manifest, leaf.path):
                    found[id(leaf)] = ""
        return found


def _holds_secrets(manifest: Manifest) -> bool:
    if manifest.is_secret or _is_sealed(manifest):
        return True
    return manifest.kind.endswith("List") or any(is_copy(leaf.path) for leaf in leaves_of(manifest.node))


def _is_sealed(manifest: Manifest) -> bool:
    if not manifest.kind.startswith("Sealed"):
        return False
    from fluxsecrets.sealed.model import is_sealed  # few files need what that imports

    return is_sealed(manifest)


def _ciphertext(text: str) -> str | None:
    match = read_ciphertext(text.strip())
    if match is None:
        return None
    return placeholder(match[4], decoded_length(match[1]), token_of(match[0]))


def _blocks(data: bytes, name: str, document: Document, limits: Limits) -> list[str]:
    """The lines about the `sops` blocks; those of all documents, if they differ."""
    if document.metadata is None:
        damaged = any(_ciphertext(leaf.value) for leaf in document.leaves if isinstance(leaf.value, str))
        return [f"{BLOCK_SIGN}missing"] if damaged else []
    first = list(_block_lines(document.metadata))
    if len(document.parts) == 1 or not name.endswith(MANIFEST_SUFFIXES):
        return first
    found: list[str] = []
    for number, node in enumerate(read_documents(data, name, limits), 1):
        lines = _lines_of(child(node, "sops"))
        if lines != first:
            found += [f"{BLOCK_SIGN}of document {number}:", *lines]
    return [*first, *found]


def _lines_of(block: object) -> list[str]:
    if not isinstance(block, MapNode):
        return [f"{BLOCK_SIGN}missing"]
    block_data = to_data(block)
    return list(_block_lines(parse_metadata(block_data))) if isinstance(block_data, dict) else []


def _block_lines(metadata: Metadata) -> Iterator[str]:
    if not metadata.mac:
        yield f"{BLOCK_SIGN}no MAC"
    selector = f"{metadata.selector.kind.value}: {metadata.selector.pattern}"
    groups: Sequence[Sequence[tuple[str, str]]] = [
        [
            (f"{_kind(key.recipient.kind)}{_one_line(whole_recipient(key.recipient))}", key.enc)
            for key in group.keys
        ]
        for group in metadata.key_groups
    ]
    if len(groups) == 1:
        yield from block_lines(_one_line(selector), groups[0], mac_only_encrypted=metadata.mac_only_encrypted)
        return
    yield from block_lines(_one_line(selector), (), mac_only_encrypted=metadata.mac_only_encrypted)
    yield f"{BLOCK_SIGN}{metadata.shamir_threshold or len(groups)} of {len(groups)} key groups"
    for number, group in enumerate(groups, 1):
        yield from (
            f"{BLOCK_SIGN}group {number}: {line[len(BLOCK_SIGN) :]}" for line in [*block_lines("", group)][1:]
        )


def _kind(kind: str) -> str:
    return "" if kind == "age" else f"{kind} "


def _one_line(text: str) -> str:
    return " ".join(text.split())
