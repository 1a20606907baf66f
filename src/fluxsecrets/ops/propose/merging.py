"""Put the values of proposals into the file of their Secret."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from fluxsecrets.errors import FluxsecretsError, UnprotectedError
from fluxsecrets.ops.compare.masking import length_class
from fluxsecrets.ops.files.content import open_file, parse, refuse_leftovers
from fluxsecrets.ops.files.reencrypt import OpenTarget, encrypt_again, open_target, recipient_names
from fluxsecrets.ops.policy.strangers import accepted, judge
from fluxsecrets.ops.run.inputs import Target
from fluxsecrets.ops.run.session import Session
from fluxsecrets.repo.proposals import MAPS, SecretId, Waiting
from fluxsecrets.repo.tree import Tree
from fluxsecrets.sops.document import Mapping as MapNode
from fluxsecrets.sops.document import find
from fluxsecrets.sops.formats.changing import remove_value, set_value
from fluxsecrets.sops.formats.yaml import YamlFormat
from fluxsecrets.sops.metadata import Metadata

from .former import is_same_value
from .model import FoldedKey, FoldRequest, KeyChange
from .patchfile import PatchContent, has_variable, over, read_patch
from .shape import used_maps


@dataclass(frozen=True, slots=True)
class MergedSecret:
    """The new content of a file with Secrets.

    Attributes:
        data: encrypted.
        old: what was read.
        keys: what changed, by Secret.
        patches: the proposals as they were read, by path.
        newer: the file had newer values of some keys, which are replaced.
    """

    data: bytes = field(repr=False)
    old: bytes = field(repr=False)
    keys: Mapping[SecretId, tuple[FoldedKey, ...]]
    patches: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    warnings: tuple[str, ...] = ()
    newer: bool = False


@dataclass(frozen=True, slots=True)
class _Proposal:
    """A proposal that was opened."""

    waiting: Waiting
    content: PatchContent = field(repr=False)
    metadata: Metadata | None
    data: bytes = field(repr=False)


def merge_proposals(
    session: Session,
    tree: Tree,
    target: Target,
    waiting: Sequence[Waiting],
    request: FoldRequest,
    *,
    substituted: bool,
) -> MergedSecret:
    """Open a Secret's file and proposals for it, and return the file with their values.

    Args:
        session: the run.
        tree: the repository.
        target: the file.
        waiting: the proposals, in the order in which Flux applies them; all for Secrets of this file.
        request: what is allowed.
        substituted: Flux replaces variables in the file's Secrets, but not in base64.

    Raises:
        UnprotectedError: strangers among the recipients, a plain proposal, or one that is outdated.
        DataKeyError, IntegrityError: the file or a proposal can't be decrypted, or was changed.
        FormatError: a proposal changes more than values.
    """
    opened = open_target(session, target, accept_recipients=request.accept_recipients)
    warnings = list(opened.warnings)
    proposals = [_opened(session, tree, target, each, request, warnings) for each in waiting]
    text = opened.file.text()
    keys: dict[SecretId, tuple[FoldedKey, ...]] = {}
    has_newer = False
    for secret in dict.fromkeys(each.content.secret for each in proposals):
        mine = [each for each in proposals if each.content.secret == secret]
        node = opened.file.opened.document.parts[mine[0].waiting.part]
        for each in mine:
            newer = _is_outdated(session, opened, each, node)
            if newer and not request.outdated:
                raise _outdated(each)
            if newer:
                warnings.append(f"{_changed_after(each)}, and gets the proposed value")
            has_newer = has_newer or newer
        text = _with_values(session, opened, text, mine, substituted=substituted)
        keys[secret] = tuple(_described(mine, node))
    made = encrypt_again(session, opened, text)
    warnings += made.warnings
    return MergedSecret(
        made.data,
        opened.content.data,
        keys,
        {each.waiting.path: each.data for each in proposals},
        tuple(dict.fromkeys(warnings)),
        has_newer,
    )


def _opened(
    session: Session, tree: Tree, target: Target, each: Waiting, request: FoldRequest, warnings: list[str]
) -> _Proposal:
    try:
        data = tree.read(each.path)
        document = parse(YamlFormat(), data, session.limits)
        if document.metadata is None:
            refuse_leftovers(document)
            content = read_patch(document, document.parts[0])
            if any(value is not None for value in content.values.values()):
                raise UnprotectedError(
                    "the proposal is plain text", hint="treat its value as leaked: choose another one"
                )
            return _Proposal(each, content, None, data)
        differences = judge(session, tree.root / each.path, document.metadata, document)
        names = recipient_names(session, target)
        warnings += accepted(differences, names, accept=request.accept_recipients)
        file = open_file(YamlFormat(), data, session.providers, session.limits)
        plain = YamlFormat().parse(file.text(), session.limits)
        return _Proposal(each, read_patch(plain, plain.parts[0]), document.metadata, data)
    except FluxsecretsError as error:
        raise error.in_file(each.path) from None


def _is_outdated(session: Session, opened: OpenTarget, each: _Proposal, node: MapNode) -> bool:
    """Whether the key was changed in the Secret after it was proposed: the newer value would be lost."""
    mark, keys = each.content.over, tuple(each.content.values)
    if mark is not None and len(keys) == 1:
        if over(node, keys[0]) == mark:
            return False
        return not is_same_value(session, opened, each.content.secret, keys[0], mark)
    # Without a mark, only the times of the files tell.
    own = each.metadata.lastmodified if each.metadata is not None else ""
    there = any(find(node, (name, key)) is not None for name in MAPS for key in keys)
    return there and own < opened.file.metadata.lastmodified


def _changed_after(each: _Proposal) -> str:
    return f"{', '.join(each.content.values)} of {each.content.secret} was changed after it was proposed"


def _outdated(each: _Proposal) -> FluxsecretsError:
    return UnprotectedError(
        _changed_after(each),
        path=each.waiting.path,
        hint="compare the values; then add --outdated to take the proposed one, or delete the proposal and "
        "its entry under `patches`",
    )


def _with_values(
    session: Session, opened: OpenTarget, text: bytes, proposals: Sequence[_Proposal], *, substituted: bool
) -> bytes:
    """The plain text of the file with the values of proposals for one Secret."""
    format_, part = opened.file.format, proposals[0].waiting.part
    own = next(iter(used_maps(opened.file.opened.document.parts[part])), "stringData")
    for key, value in _final(proposals).items():
        node = format_.parse(text, session.limits).parts[part]
        for name, new in _places(node, own, key, value, substituted=substituted):
            document = format_.parse(text, session.limits)
            if new is not None:
                text = set_value(format_, document, (name, key), new, session.limits, part=part)
            elif find(document.parts[part], (name, key)) is not None:
                text = remove_value(format_, document, (name, key), session.limits, part=part)
    return text


def _places(
    part: MapNode, own: str, key: str, value: bytes | None, *, substituted: bool
) -> Iterator[tuple[str, str | None]]:
    """What becomes of a key in each of the two maps: its new text, or None to remove it."""
    there = [name for name in reversed(MAPS) if find(part, (name, key)) is not None]
    if value is None:
        yield from ((name, None) for name in there)
        return
    name = there[0] if there else own  # stringData wins over data
    text = _decoded(value)
    if name == "stringData" and (text is None or (substituted and has_variable(text))):
        yield "stringData", None
        name = "data"
    yield name, base64.b64encode(value).decode() if name == "data" or text is None else text


def _decoded(value: bytes) -> str | None:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _final(proposals: Sequence[_Proposal]) -> dict[str, bytes | None]:
    return {key: value for each in proposals for key, value in each.content.values.items()}


def _described(proposals: Sequence[_Proposal], node: MapNode) -> Iterator[FoldedKey]:
    for key, value in _final(proposals).items():
        there = any(find(node, (name, key)) is not None for name in MAPS)
        if value is None and not there:
            continue  # proposed, and taken back
        change = KeyChange.REMOVED if value is None else KeyChange.CHANGED if there else KeyChange.ADDED
        paths = tuple(each.waiting.path for each in proposals if key in each.content.values)
        yield FoldedKey(key, change, None if value is None else str(length_class(len(value))), paths)
