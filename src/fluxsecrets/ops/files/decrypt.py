"""Decrypt a file's content, one value of it, or files in place."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

from fluxsecrets.errors import FluxsecretsError, UsageError
from fluxsecrets.ops.run.inputs import Input, Target
from fluxsecrets.ops.run.session import Session
from fluxsecrets.records import dataclass, field
from fluxsecrets.sops.document import Entry, Leaf, Mapping, Node, find, to_data
from fluxsecrets.sops.document import Path as KeyPath
from fluxsecrets.sops.document import Sequence as ListNode
from fluxsecrets.sops.formats import StoresConfig, make_format, tree_format
from fluxsecrets.sops.values import canonical_bytes

from .content import OpenedFile, open_file

TYPE_CHECKING = False
if TYPE_CHECKING:  # start-up time: one file to standard output does not need it
    from fluxsecrets.ops.run.results import BatchResult, Prepared

_INDEX = r"\.?(?:([0-9]+)|\[(-?[0-9]+)\])(?=[.\[]|$)"
_BRACKETS = r"""\[(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|(-?[0-9]+))\]"""


@dataclass(frozen=True, slots=True)
class DecryptedContent:
    """A decrypted file or value.

    Attributes:
        data: the bytes to print or write.
    """

    data: bytes = field(repr=False)
    warnings: tuple[str, ...] = ()


def decrypt_given(
    session: Session, given: Input, *, output_type: str | None = None, key: str | None = None
) -> DecryptedContent:
    """Decrypt a content, and release it from memory.

    Args:
        session: the run.
        given: the encrypted file.
        output_type: another output format, indented as in its `.sops.yaml`; None keeps the file's format and
            layout.
        key: one value to extract, see `parse_key`.

    Raises:
        UsageError: the key does not exist.
        DataKeyError, IntegrityError, NotEncryptedError, ...: see `content.open_file`; the file is named.
    """
    target = given.target
    try:
        opened = open_file(make_format(target.format), given.take(), session.providers, session.limits)
        return DecryptedContent(_result(session, opened, target, output_type, key), opened.warnings)
    except FluxsecretsError as error:
        from fluxsecrets.repo.configfiles import fix_hint

        fix_hint(error, target.path)
        raise error.in_file(target.shown) from None


def _result(
    session: Session, opened: OpenedFile, target: Target, output_type: str | None, key: str | None
) -> bytes:
    if key is not None:
        return _node_bytes(_find_key(opened, key), output_type or target.format)
    if output_type is None or output_type == target.format:
        return opened.text()
    parts = [to_data(part) for part in opened.parts]
    return make_format(output_type, _stores_for(session, target.path)).render(parts)


def _stores_for(session: Session, path: Path) -> StoresConfig:
    with suppress(FluxsecretsError):  # a broken configuration must not prevent decryption
        config = session.find_config(path.parent)
        if config is not None:
            return session.load_config(config).stores
    return StoresConfig()


def parse_key(text: str) -> KeyPath | None:
    """Parse a key in sops's form, such as `["data"]["list"][0]`. Return None for the dotted form.

    Raises:
        UsageError: the text starts like sops's form, but is invalid.
    """
    if not text.startswith("["):
        return None
    steps: list[str | int] = []
    position = 0
    while position < len(text):
        match = re.compile(_BRACKETS).match(text, position)
        if match is None:
            raise UsageError(
                f"{text!a} is not a key", hint="""write it like '["data"]["password"]' or data.password"""
            )
        quoted = match[1] if match[1] is not None else match[2]
        steps.append(int(match[3]) if quoted is None else re.sub(r"\\(.)", r"\1", quoted))
        position = match.end()
    return tuple(steps)


def _find_key(opened: OpenedFile, key: str) -> Node:
    path = parse_key(key)
    if path is not None:
        # as in sops, the form in brackets refers to the first document
        found = [find(opened.parts[0], path)]
    else:
        found = [find_dotted(part, key) for part in opened.parts]
    nodes = [node for node in found if node is not None]
    if len(nodes) > 1:
        numbers = ", ".join(str(number) for number, node in enumerate(found, 1) if node is not None)
        raise UsageError(
            f"the key {key!a} is ambiguous: documents {numbers} of the file have it",
            hint="""the form with brackets, '["data"]["password"]', means the first document; """
            "without --extract all of them are printed",
        )
    if not nodes:
        more = " in its first document" if path is not None and len(opened.parts) > 1 else ""
        raise UsageError(
            f"the file has no key {key!a}{more}",
            hint="keys are not encrypted: `fluxsecrets explain FILE` lists them",
        )
    return nodes[0]


def find_dotted(node: Node, key: str) -> Node | None:
    """Return the node of a dotted key, or None. If keys contain dots themselves, the longest one is used.

    Args:
        node: the start.
        key: such as `data.tls.crt` or `items[0].name`.
    """
    if not key:
        return node
    if isinstance(node, ListNode):
        match = re.match(_INDEX, key)
        child = find(node, (int(match[1] or match[2]),)) if match is not None else None
        return None if match is None or child is None else find_dotted(child, key[match.end() :])
    if not isinstance(node, Mapping):
        return None
    text = key.removeprefix(".")
    children = {entry.key: entry.value for entry in node.entries if isinstance(entry, Entry)}
    for name in sorted(filter(text.startswith, children), key=len, reverse=True):
        rest = text[len(name) :]
        found = find_dotted(children[name], rest) if name and rest[:1] in ("", ".", "[") else None
        if found is not None:
            return found
    return None


def _node_bytes(node: Node, format_name: str) -> bytes:
    """Return a single value as its bytes, without a line break, like sops; a tree in a format."""
    if isinstance(node, Leaf):
        return canonical_bytes(node.value)
    return tree_format(format_name).render([to_data(node)])


def _load(session: Session) -> None:
    from .ahead import load_decryption  # few files do without

    load_decryption(session)


def decrypt_in_place(
    session: Session, paths: Sequence[str], environment: str | None, input_type: str | None
) -> BatchResult:
    """Decrypt files in place.

    Raises:
        UsageError, GitError, ConfigError, FileAccessError: see `select`.
    """
    from fluxsecrets.ops.run.replacing import replace_files
    from fluxsecrets.ops.run.results import BatchResult
    from fluxsecrets.ops.run.targets import select
    from fluxsecrets.ops.run.waiting import waits_for_file
    from fluxsecrets.ops.run.writer import make_ready

    from .encryptedfiles import encrypted_targets

    selection = select(session, paths, environment, input_type, beside=partial(_load, session))
    make_ready(target.path for target in selection.targets)
    targets, _ = encrypted_targets(session, selection)
    results = replace_files(session, partial(_prepare, session), targets, partial(waits_for_file, session))
    files = tuple(session.watched(results, len(targets), "decrypting"))
    if selection.targets and not targets:
        return BatchResult(files, selection.notes, empty="every secret there is plain text")
    return BatchResult(files, selection.notes)


def _prepare(session: Session, target: Target) -> Prepared:
    from fluxsecrets.ops.run.results import FileResult, Outcome, Prepared
    from fluxsecrets.ops.run.writer import replacing

    try:
        if target.problem is not None:
            raise target.problem
        content = session.read(target.path)
        given, content = Input(target, content.data), content.without_data()
        opened = open_file(make_format(target.format), given.take(), session.providers, session.limits)
        result = FileResult(target.shown, Outcome.DECRYPTED, opened.values, (), opened.warnings)
        return Prepared(result, replacing(content, opened.text()))
    except FluxsecretsError as error:
        return Prepared(FileResult(target.shown, Outcome.FAILED, error=error.in_file(target.shown)))
