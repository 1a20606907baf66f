"""Which files of a selection are encrypted, for commands that leave plain text alone."""

from __future__ import annotations

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.files.reading import read_file
from fluxsecrets.marks import SIGN_BYTES
from fluxsecrets.ops.run.inputs import Target
from fluxsecrets.ops.run.session import Session
from fluxsecrets.ops.run.targets import Selection
from fluxsecrets.sops.formats import make_format

from .content import parse, refuse_leftovers


def encrypted_targets(session: Session, selection: Selection) -> tuple[tuple[Target, ...], tuple[str, ...]]:
    """Return the files of a selection that are encrypted, named, or broken, and a note on the rest."""
    targets = tuple(target for target in selection.targets if not _is_plain(session, target))
    plain = len(selection.targets) - len(targets)
    if not plain:
        return targets, selection.notes
    noun = "secret is" if plain == 1 else "secrets are"
    note = f"{plain} {noun} in plain text and left out: `fluxsecrets encrypt` comes first"
    return targets, (*selection.notes, note)


def _is_plain(session: Session, target: Target) -> bool:
    """Whether a file is plain text.

    A file whose `sops` block is damaged or gone counts as broken. Left out, nobody would hear of it.
    """
    if target.encrypted or target.named or target.problem is not None:
        return False
    try:
        data = read_file(target.path, limit=session.limits.size).data
        if SIGN_BYTES not in data:
            return True
        document = parse(make_format(target.format), data, session.limits)
        if document.metadata is not None:
            return False
        refuse_leftovers(document)
    except FluxsecretsError:
        return False
    return True
