"""Merge three versions of an encrypted file, with an identity or without one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from fluxsecrets.errors import DataKeyError, FluxsecretsError, UnprotectedError
from fluxsecrets.merging import Labels, Merged, Picks, merge
from fluxsecrets.merging.markers import with_markers
from fluxsecrets.merging.metadata import MergedMetadata, merge_metadata
from fluxsecrets.ops.files.content import OpenedFile, parse
from fluxsecrets.ops.run.session import Session
from fluxsecrets.shell import file_word
from fluxsecrets.sops.document import Document
from fluxsecrets.sops.formats import Format
from fluxsecrets.sops.metadata import Metadata
from fluxsecrets.sops.opened import Opened
from fluxsecrets.sops.recipients import recipient_key

from .block import body, protection, rules_of
from .canonical import Canonical, canonical
from .checking import check_merged, check_text
from .conflicts import shown_conflicts
from .datakey import KeyPlan, plan_data_key, same_data_key, wrapped
from .model import TAKE_A_SIDE, MergeResult, Outcome, Versions
from .opening import OpenedVersions, is_for_us, open_versions
from .sealing import contents_of, sealed
from .unsigned import merge_unopened
from .versions import read_versions


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
            opened = open_versions(format_, documents, session)
        except DataKeyError as error:
            if any(is_for_us(session, each.metadata) for each in documents.given):
                raise
            return merge_unopened(format_, versions, documents, labels, session.limits, picks, error)
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
        merged, document = self._merged()
        block = self._block(document)
        if merged.conflicts:
            return self._conflicts(merged, document, block)
        side = self._same_as_a_side(document, block.metadata)
        if side is not None:
            return MergeResult(Outcome.MERGED, side, notes=merged.notes)
        data, notes = self._sealed(document, block)
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
            and body(self.format, self._document(one)) == body(self.format, self._document(other))
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

    def _merged(self) -> tuple[Merged, Document]:
        known = self._known
        if self.format.single_value:
            return Merged(b""), self._one_value()
        merged = merge(self.format, known.base, known.ours, known.theirs, self.session.limits, self.picks)
        document = parse(self.format, merged.data, self.session.limits)
        check_text(known.base, known.ours, known.theirs, document, merged, self.picks)
        return merged, document

    def _one_value(self) -> Document:
        """Return the version that changed the only value of a binary file.

        Raises:
            UnprotectedError: both did.
        """
        known = self._known
        ours, theirs = body(self.format, known.ours), body(self.format, known.theirs)
        base = None if known.base is None else body(self.format, known.base)
        if ours not in (theirs, base) and theirs != base:
            raise self._not_by_value()
        return known.theirs if ours == base else known.ours

    def _conflicts(self, merged: Merged, document: Document, block: MergedMetadata) -> MergeResult:
        """Return the merged text with markers, and the `sops` block of ours."""
        known = self._known
        # The MAC of ours fits again if somebody chooses ours everywhere. What theirs did to the recipients
        # would be lost silently.
        unsealed = protection(block.metadata) != protection(self.opened.ours.metadata)
        text = None
        if not merged.whole:
            text = with_markers(
                self.format, document, known.base, known.theirs, merged.conflicts, self.labels,
                self.session.limits, unsealed=unsealed,
            )  # fmt: skip
        if text is None:
            raise UnprotectedError("the two sides can't be merged value by value", hint=self._resolve)
        return MergeResult(Outcome.CONFLICTS, text, shown_conflicts(merged.conflicts), merged.notes)

    def _block(self, document: Document) -> MergedMetadata:
        """Return the merged block.

        Raises:
            UnprotectedError: the sides contradict each other.
        """
        base = None if self.opened.base is None else self.opened.base.metadata
        found = merge_metadata(base, self.opened.ours.metadata, self.opened.theirs.metadata, document)
        if found.conflicts:
            raise UnprotectedError(
                f"both sides changed {', '.join(found.conflicts)} in the sops block",
                hint=TAKE_A_SIDE,
            )
        return found

    def _same_as_a_side(self, document: Document, metadata: Metadata) -> bytes | None:
        """Return the version that has all of the merge's values, recipients and layout."""
        base, ours, theirs = self.opened.base, self.opened.ours, self.opened.theirs
        one_key = same_data_key(ours, theirs)
        # A new data key of theirs counts, unless ours has a new one, too. It never comes to protect ours.
        outdated = base is not None and same_data_key(ours, base) and not one_key
        text = body(self.format, document)
        if not outdated and self._is(ours, text, metadata):
            return self.versions.ours
        return self.versions.theirs if one_key and self._is(theirs, text, metadata) else None

    def _is(self, side: OpenedFile, text: object, metadata: Metadata) -> bool:
        same = protection(metadata) == protection(side.metadata)
        return same and body(self.format, self._document(side)) == text

    def _sealed(self, document: Document, block: MergedMetadata) -> tuple[bytes, tuple[str, ...]]:
        """Return the merged text with its block and MAC, and notes."""
        metadata, ours = block.metadata, self.opened.ours.metadata
        contents = contents_of(self.format, document, metadata, self._known)
        plan = plan_data_key(self.opened, metadata)
        if plan.groups is None or contents.uncovered or rules_of(metadata) != rules_of(ours):
            self._refuse_strangers(document, metadata)
        expected = contents.opened(plan.data_key)
        self._check(expected)
        data = sealed(
            self.format,
            contents,
            wrapped(plan, metadata, self.session.providers),
            expected,
            self._known,
            fresh=plan.fresh,
            now=self.session.now(),
            limits=self.session.limits,
        )
        return data, (*self._recipient_notes(block), *block.notes, *_key_notes(plan))

    def _check(self, merged: Opened) -> None:
        base, ours, theirs = self.opened.base, self.opened.ours, self.opened.theirs
        before = None if base is None else base.parts
        check_merged(before, ours.parts, theirs.parts, merged.plain, self.picks)

    def _recipient_notes(self, block: MergedMetadata) -> Iterator[str]:
        """Say who comes and goes, compared with ours."""
        from fluxsecrets.sops.naming import name_of

        ours = {recipient_key(key.recipient) for key in self.opened.ours.metadata.wrapped_keys}
        lost = [each for each in block.removed if recipient_key(each) in ours]
        for verb, changed in (("added", block.added), ("removed", lost)):
            if changed:
                yield f"the other branch {verb} {', '.join(name_of(each, self._names) for each in changed)}"

    def _not_by_value(self) -> UnprotectedError:
        return UnprotectedError("both sides changed it, and it can't be merged by value", hint=self._resolve)

    @property
    def _resolve(self) -> str:
        return f"run `fluxsecrets resolve {file_word(self.session.shown(self.path))}`"

    @cached_property
    def _names(self) -> Mapping[str, str]:
        # Most merges wrap no key and name nobody, and a rebase waits for each of them.
        from fluxsecrets.ops.files.reencrypt import recipient_names
        from fluxsecrets.ops.run.inputs import Target

        return recipient_names(self.session, Target(self.path, str(self.path), self.format.name))

    def _refuse_strangers(self, document: Document, metadata: Metadata) -> None:
        """Refuse to encrypt for recipients that the creation rules don't name.

        Raises:
            UnprotectedError: the merged block protects less than the rule.
        """
        from fluxsecrets.ops.policy.strangers import judge, refuse

        try:
            refuse(judge(self.session, self.path, metadata, document), self._names)
        except UnprotectedError as error:
            error.hint = f"check the merged .sops.yaml, then {self._resolve}"
            raise


def _key_notes(plan: KeyPlan) -> tuple[str, ...]:
    return () if plan.reason is None else (f"{plan.reason}, so the file got a new one",)
