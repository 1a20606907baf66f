"""Set or remove one value of an encrypted file; `getting` reads one."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable, Collection, Iterator, Sequence
from enum import StrEnum
from functools import partial

from fluxsecrets.errors import FileAccessError, FluxsecretsError, UnprotectedError, UsageError
from fluxsecrets.files.reading import FileContent, read_file
from fluxsecrets.ops.policy.validity import refuse_invalid
from fluxsecrets.ops.run.inputs import Target, named_file, refuse_folder
from fluxsecrets.ops.run.session import Session
from fluxsecrets.records import dataclass, field
from fluxsecrets.sops.document import Comment, Data, Document, Leaf, show_path
from fluxsecrets.sops.document import Mapping as MapNode
from fluxsecrets.sops.formats import evident_format
from fluxsecrets.sops.selection import selected

from .content import own_selector
from .getting import ValueRequest, from_base64
from .keypaths import (
    Place,
    find_or_new_place,
    find_place,
    is_secret_data,
    is_secret_value,
)
from .reencrypt import (
    OpenTarget,
    encrypt_again,
    history_of,
    open_target,
    why_new_data_key,
    write_back,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fluxsecrets.repo.git.ahead import History

    from .exchange import Exchange


class ValueChange(StrEnum):
    """The outcome for a value."""

    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class ValueResult:
    """The result of changing one value.

    Attributes:
        path: the file, as shown to the user.
        change: the outcome.
        dry_run: nothing was written.
    """

    path: str
    key: str
    change: ValueChange
    warnings: tuple[str, ...] = ()
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class NewValue:
    """A value to set. Exactly one of the two is set.

    Attributes:
        data: text, or any bytes if the place is base64.
        json: JSON text: a map, a list, a number, a boolean or a string.
    """

    data: bytes | None = field(default=None, repr=False)
    json: bytes | None = field(default=None, repr=False)


def change_value(session: Session, request: ValueRequest, new: Callable[[], NewValue]) -> ValueResult:
    """Set one value of an encrypted file. Everything else in it stays unchanged.

    Args:
        session: the run.
        request: the value, and how to change it.
        new: returns the value; called once the file is open and the place is known.

    Raises:
        FileAccessError: the file does not exist, or is a folder.
        NotEncryptedError: the file is plain.
        UnprotectedError: see `reencrypt.open_target`; or the new value would stay plain text.
        UsageError, FormatError: the value does not fit there.
    """

    def choose(opened: OpenTarget) -> tuple[Place, Data]:
        place = find_or_new_place(opened.plain, request.key, request.document)
        if request.only_encrypted and not isinstance(place.node, Leaf | None):
            raise UsageError(
                f"{show_path(place.path)} is a map or a list, and one value is to be set",
                hint="name a key in it",
            )
        return place, data_for(opened.file.parts[place.part], place, new(), raw=request.raw)

    def change(opened: OpenTarget, document: Document, place: Place, value: Data) -> bytes:
        from fluxsecrets.sops.formats.changing import set_value  # start-up time: most values are exchanged

        text = set_value(opened.file.format, document, place.path, value, session.limits, part=place.part)
        if request.only_encrypted or (place.node is None and not request.plain):
            _refuse_plain(session, opened, text, place)
        return text

    target, read = _target(session, request)
    if isinstance(target.problem, FileAccessError) and not os.path.lexists(session.cwd / request.path):
        target.problem.hint = "check the spelling; `fluxsecrets edit FILE` creates a new file"
    return _change(session, target, read, request, choose, change)


def unset_value(session: Session, request: ValueRequest) -> ValueResult:
    """Remove one key or list item of an encrypted file. Everything else in it stays unchanged.

    Raises:
        UsageError: the key does not exist.
        NotEncryptedError, UnprotectedError, FormatError: see `change_value`.
    """

    def choose(opened: OpenTarget) -> tuple[Place, Data]:
        return find_place(opened.plain, request.key, request.document), None

    def change(opened: OpenTarget, document: Document, place: Place, value: Data) -> bytes:
        del value
        from fluxsecrets.sops.formats.changing import remove_value

        text = remove_value(opened.file.format, document, place.path, session.limits, part=place.part)
        _refuse_empty(session, opened, text, place)
        return text

    return _change(session, *_target(session, request), request, choose, change, removes=True)


def _target(session: Session, request: ValueRequest) -> tuple[Target, list[FileContent]]:
    """The file, and its content where it could be read, in a list that lets go of it."""
    from fluxsecrets.ops.run.targets import select  # start-up time: `get` does not need the repository

    refuse_folder(session, request.path)
    read = _read(session, request.path)
    # Most files show their format themselves; then generators are not looked for.
    evident = next((evident_format(each.path.name, each.data) for each in read), None)
    target = select(session, [request.path], input_type=request.input_type or evident).targets[0]
    return target, [each for each in read if each.path == target.path]


def _read(session: Session, text: str) -> list[FileContent]:
    try:
        return [read_file(named_file(session, text), limit=session.limits.size)]
    except FluxsecretsError:
        return []  # `select` and `open_target` say what is wrong


_Choose = Callable[[OpenTarget], tuple[Place, Data]]
"""Returns the place in `OpenTarget.plain`, and the value to set, which may be null; `unset` has none."""

_Change = Callable[[OpenTarget, Document, Place, Data], bytes]
"""Returns the plain text of a document with the change."""


def _change(
    session: Session,
    target: Target,
    read: list[FileContent],
    request: ValueRequest,
    choose: _Choose,
    change: _Change,
    *,
    removes: bool = False,
) -> ValueResult:
    # git lists the history while the file is opened and changed.
    with history_of(target) as history:
        # Taken out of the lists, so that they are freed there: a file may have many megabytes.
        content = read.pop if read else lambda: None
        opened = [open_target(session, target, content(), accept_recipients=request.accept_recipients)]
        try:
            return _changed(session, opened.pop(), request, choose, change, history, removes=removes)
        except FluxsecretsError as error:
            raise error.in_file(target.shown) from None


def _changed(
    session: Session,
    opened: OpenTarget,
    request: ValueRequest,
    choose: _Choose,
    change: _Change,
    history: History | None,
    *,
    removes: bool,
) -> ValueResult:
    target = opened.target
    place, value = choose(opened)
    done = partial(ValueResult, target.shown, show_path(place.path), dry_run=request.dry_run)
    leaf = _exchangeable(opened, place, value)
    if leaf is not None:
        if isinstance(place.node, Leaf) and place.node.value == value:
            return done(ValueChange.UNCHANGED, opened.warnings)
        exchange = _exchange(session, opened, place, leaf, str(value), request, history)
        if exchange is not None:
            content, warnings = opened.content.without_data(), opened.warnings
            del opened
            written = exchange.written(session.limits)
            del exchange
            data = written.verified(session.limits)
            if not request.dry_run:
                write_back(session, target, content, data)
            return done(ValueChange.CHANGED, tuple(dict.fromkeys((*warnings, *written.warnings))))
    before = opened.file.text()
    text = change(opened, opened.file.format.parse(before, session.limits), place, value)
    if text == before:
        return done(ValueChange.UNCHANGED, opened.warnings)
    encrypted = encrypt_again(session, opened, text, allow_invalid=request.allow_invalid, history=history)
    warnings = tuple(dict.fromkeys((*opened.warnings, *encrypted.warnings)))
    if encrypted.data == opened.content.data:
        return done(ValueChange.UNCHANGED, warnings)
    if not request.dry_run:
        write_back(session, target, opened.content, encrypted.data)
    if removes:
        return done(ValueChange.REMOVED, warnings)
    return done(ValueChange.ADDED if place.node is None else ValueChange.CHANGED, warnings)


def _exchangeable(opened: OpenTarget, place: Place, value: Data) -> Leaf | None:
    if place.node is None:
        return None
    from .exchange import exchangeable  # start-up time: a new key does without

    return exchangeable(opened, place, value)


def _exchange(
    session: Session,
    opened: OpenTarget,
    place: Place,
    leaf: Leaf,
    value: str,
    request: ValueRequest,
    history: History | None,
) -> Exchange | None:
    from .exchange import exchange_of

    if why_new_data_key(session, opened, history) is not None:
        return None
    check = None if request.allow_invalid else partial(refuse_invalid, before=opened.plain)
    return exchange_of(opened, place, leaf, value, now=session.now(), check=check)


def _refuse_empty(session: Session, opened: OpenTarget, text: bytes, place: Place) -> None:
    document = opened.file.format.parse(text, session.limits)
    chosen = selected(document, own_selector(opened.file.metadata))
    if not any(encrypts and isinstance(item, Leaf) for item, encrypts in chosen):
        raise UnprotectedError(
            f"without {show_path(place.path)}, nothing in the file would be encrypted",
            hint="delete the file and the references to it, or decrypt it with -i",
        )


def _nearest(chosen: Sequence[tuple[Leaf | Comment, bool]], leaves: Collection[int], place: Place) -> str:
    """Ask for the one encrypted value whose path ends as the key does, such as `stringData.KEY`; else ""."""
    count = len(place.path)
    found = [
        item.path
        for item, encrypts in chosen
        if encrypts and id(item) in leaves and len(item.path) > count and item.path[-count:] == place.path
    ]
    return f"did you mean {show_path(found[0])}? Otherwise, " if len(found) == 1 else ""


def _refuse_plain(session: Session, opened: OpenTarget, text: bytes, place: Place) -> None:
    """Refuse a new value that would stay plain text: the user expects it to be encrypted."""
    metadata, format_ = opened.file.metadata, opened.file.format
    document = format_.parse(text, session.limits)
    leaves = {id(leaf) for leaf in _leaves(document.parts[place.part])}
    chosen = selected(document, own_selector(metadata))
    for item, encrypts in chosen:
        below = id(item) in leaves and item.path[: len(place.path)] == place.path
        if below and not encrypts:
            raise UnprotectedError(
                f"the value of {show_path(place.path)} would stay plain text: the file's selector is "
                f"{metadata.selector.kind.value}: {ascii(metadata.selector.pattern)[1:-1]}",
                hint=f"{_nearest(chosen, leaves, place)}choose a key that is encrypted, or add --plain "
                "if it is not a secret",
            )


def _leaves(part: MapNode) -> Iterator[Leaf]:
    return Document("", "", (part,), None).leaves


def data_for(root: MapNode, place: Place, new: NewValue, *, raw: bool = False) -> Data:
    """Return the data to write: parsed JSON, decoded text, base64 under `data:` of a Secret.

    Args:
        root: the YAML document.
        place: where the value goes.
        new: the value.
        raw: a value under `data:` of a Secret is base64 already.

    Raises:
        UsageError: the value does not fit there.
    """
    shown = show_path(place.path)
    value: Data = None
    if new.json is not None:
        value = _from_json(new.json)
        if is_secret_value(root, place.path) and not isinstance(value, str):
            raise UsageError(
                f"{shown} is a value of a Secret, which must be a string",
                hint="put the JSON in quotes, such as '\"5\"', or omit --json",
            )
        data = value.encode() if isinstance(value, str) else b""
    else:
        data = new.data or b""
    if is_secret_data(root, place.path):
        if not raw:
            return base64.b64encode(data).decode()
        if from_base64(data) is None:
            raise UsageError(
                f"{shown} is under `data:` of a Secret, and with --raw the value must be base64",
                hint="omit --raw to have it encoded",
            )
    if new.json is not None:
        return value
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        pass
    raise UsageError(
        f"the value for {shown} is not text",
        hint="only `data:` of a Secret can hold any bytes; elsewhere encode it, for example in base64",
    )


def _from_json(text: bytes) -> Data:
    from fluxsecrets.sops.formats.json_read import read_value  # most values are text

    try:
        return read_value(text.decode("utf-8"))
    except UnicodeDecodeError:
        reason = "not UTF-8"
    except FluxsecretsError as error:
        reason = error.message.removeprefix("not valid JSON: ")
    # Outside the handler, since the decoder's error contains the text.
    raise UsageError(
        f"the value is not JSON: {reason}",
        hint="put strings in quotes: '\"text\"'; with a dotted KEY and without --json, it is taken literally",
    )
