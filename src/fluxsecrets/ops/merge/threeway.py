"""Merge three versions of an encrypted file, with an identity or without one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from fluxsecrets.errors import DataKeyError, FluxsecretsError, UnprotectedError
from fluxsecrets.merging import Labels, Merged, Side, merge
from fluxsecrets.ops.files.content import OpenedFile, parse
from fluxsecrets.ops.policy.strangers import judge, refuse
from fluxsecrets.ops.run.session import Session
from fluxsecrets.sops.document import Document
from fluxsecrets.sops.document import Path as KeyPath
from fluxsecrets.sops.formats import Format
from fluxsecrets.sops.metadata import Metadata

from .block import protection
from .canonical import Canonical, canonical
from .datakey import plan_data_key, same_data_key, wrapped
from .model import MergeResult, Outcome, Versions
from .opening import OpenedVersions, open_versions
from .sealing import contents_of, sealed
from .versions import read_versions

Picks = Mapping[tuple[int, KeyPath], Side]
"""The side to take for conflicts that are settled: by the YAML document in ours, and the place in it."""


def merge_encrypted(
    session: Session,
    path: Path,
    format_: Format,
    versions: Versions,
    labels: Labels,
    picks: Picks = {},  # noqa: B006 - never changed
) -> MergeResult:
    """Merge three versions of an encrypted file.

    With an identity that opens all of them, values are compared, and the result has a MAC. Otherwise
    ciphertexts are compared.

    Args:
        session: the run.
        path: absolute path of the file in the work tree; creation rules are looked up for it.
        format_: the format of all versions.
        versions: the three versions.
        labels: for conflict markers.
        picks: conflicts that are settled.

    Returns:
        The result. Ours stays if the versions can't be merged; the reason is in the result.
    """
    try:
        documents = read_versions(format_, versions, session.limits)
        try:
            opened = open_versions(format_, documents, session.providers)
        except DataKeyError as error:
            return MergeResult(Outcome.REFUSED, versions.ours, reason=error)
        return _Merge(session, path, format_, versions, opened, labels, picks).run()
    except FluxsecretsError as error:
        return MergeResult(Outcome.REFUSED, versions.ours, reason=error)


@dataclass
class _Merge:
    """A merge with decrypted versions."""

    session: Session
    path: Path
    format: Format
    versions: Versions
    opened: OpenedVersions
    labels: Labels
    picks: Picks

    def run(self) -> MergeResult:
        side = self._only_one_changed()
        if side is not None:
            return MergeResult(Outcome.MERGED, side)
        merged = self._merged()
        if merged.conflicts:
            raise UnprotectedError("both sides changed the same values")
        document = parse(self.format, merged.data, self.session.limits)
        metadata = self._block(document)
        side = self._same_as_a_side(document, metadata)
        if side is not None:
            return MergeResult(Outcome.MERGED, side, notes=merged.notes)
        data, notes = self._sealed(document, metadata)
        return MergeResult(Outcome.MERGED, data, notes=(*merged.notes, *notes))

    def _only_one_changed(self) -> bytes | None:
        """Return the version of the side that alone changed something."""
        base, ours, theirs = self.opened.base, self.opened.ours, self.opened.theirs
        if self._same(theirs, ours) or (base is not None and self._same(theirs, base)):
            return self.versions.ours
        if base is not None and self._same(ours, base):
            return self.versions.theirs
        return None

    def _same(self, one: OpenedFile, other: OpenedFile) -> bool:
        return (
            same_data_key(one, other)
            and protection(one.metadata) == protection(other.metadata)
            and self._body(self._document(one)) == self._body(self._document(other))
        )

    @cached_property
    def _known(self) -> Canonical:
        return canonical(self.opened, self.session.limits)

    def _document(self, opened: OpenedFile) -> Document:
        if opened is self.opened.ours:
            return self._known.ours
        if opened is self.opened.theirs:
            return self._known.theirs
        assert self._known.base is not None  # noqa: S101 - it was opened
        return self._known.base

    def _body(self, document: Document) -> object:
        """Return the text of a version without its `sops` block."""
        if self.format.single_value:
            return [leaf.value for leaf in document.leaves]
        return self.format.rewrite(document, (), None)

    def _merged(self) -> Merged:
        known = self._known
        return merge(self.format, known.base, known.ours, known.theirs, self.session.limits, self.picks)

    def _block(self, document: Document) -> Metadata:
        """Return the merged block, with the recipients that stay."""
        base, ours, theirs = self.opened.base, self.opened.ours.metadata, self.opened.theirs.metadata
        if protection(ours) == protection(theirs) or (
            base is not None and protection(theirs) == protection(base.metadata)
        ):
            return ours
        if base is not None and protection(ours) == protection(base.metadata):
            return theirs
        raise UnprotectedError("both sides changed the recipients")

    def _same_as_a_side(self, document: Document, metadata: Metadata) -> bytes | None:
        """Return the version that has all of the merge's values, recipients and layout."""
        base, body = self.opened.base, self._body(document)
        for opened, other, data in (
            (self.opened.ours, self.opened.theirs, self.versions.ours),
            (self.opened.theirs, self.opened.ours, self.versions.theirs),
        ):
            rotated = not same_data_key(other, opened) and (base is None or not same_data_key(other, base))
            if rotated or protection(metadata) != protection(opened.metadata):
                continue
            if self._body(self._document(opened)) == body:
                return data
        return None

    def _sealed(self, document: Document, metadata: Metadata) -> tuple[bytes, tuple[str, ...]]:
        """Return the merged text with its block and MAC, and notes."""
        contents = contents_of(self.format, document, metadata, self._known)
        plan = plan_data_key(self.opened, metadata)
        if plan.groups is None or contents.uncovered:
            self._refuse_strangers(contents.document, metadata)
        data = sealed(
            self.format,
            contents,
            wrapped(plan, metadata, self.session.providers),
            plan.data_key,
            self._known,
            fresh=plan.fresh,
            now=self.session.now(),
            limits=self.session.limits,
        )
        return data, () if plan.reason is None else (f"{plan.reason}, so the file got a new one",)

    def _refuse_strangers(self, document: Document, metadata: Metadata) -> None:
        """Refuse to encrypt for recipients that the creation rules don't name.

        Raises:
            UnprotectedError: the merged block protects less than the rule.
        """
        try:
            refuse(judge(self.session, self.path, metadata, document), {})
        except UnprotectedError as error:
            error.hint = "merge .sops.yaml first, then run `fluxsecrets resolve FILE`"
            raise
