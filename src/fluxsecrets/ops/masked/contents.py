"""Mask the content of one file: bytes in, bytes out."""

from __future__ import annotations

from dataclasses import dataclass, field

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.marks import (
    MANIFEST_SUFFIXES,
    is_kustomization,
    name_in,
)
from fluxsecrets.ops.run.session import Session
from fluxsecrets.repo.discover import SecretFile
from fluxsecrets.repo.encrypted import detect_encryption

from .encrypted import mask_encrypted
from .kustomizations import is_generator, mask_kustomization, may_be_secret
from .leaves import MaskedText
from .masks import Masks
from .model import MaskedFile, MaskOptions
from .patches import mask_flux_patches, mask_patch, may_patch
from .plain import mask_plain
from .plan import Patches
from .privatekeys import has_private_key, mask_private_keys
from .sources import WORK_TREE
from .standins import may_stand_in, with_stand_ins

KEY_IN_PLAIN_TEXT = "a private key in plain text is masked"


@dataclass(frozen=True, slots=True)
class Job:
    """A file to be masked.

    Attributes:
        path: relative to the root with `/`.
        data: its content.
        secret: why it is a secret; None if only parts of it may be.
    """

    path: str
    data: bytes = field(repr=False)
    secret: SecretFile | None = None


@dataclass(frozen=True, slots=True)
class Context:
    """What is the same for all files of a tree.

    Attributes:
        source: the state of the repository, for messages.
    """

    session: Session
    masks: Masks
    options: MaskOptions
    patches: Patches
    source: str = WORK_TREE

    def shown(self, path: str) -> str:
        """Return a path for messages, as git writes that of a revision: `HEAD~1:apps/db.yaml`."""
        return path if self.source == WORK_TREE else f"{self.source}:{path}"


def needs_masking(path: str, data: bytes, patches: Patches, *, as_is: bool) -> bool:
    """Whether a file has to be looked at closely, although it is not a secret as a whole; cheap."""
    if is_kustomization(path) and may_be_secret(data):
        return True
    if patches.files.get(path) or has_private_key(data):
        return True
    if not path.lower().endswith(MANIFEST_SUFFIXES):
        return False
    return may_patch(data) or is_generator(data) or (not as_is and may_stand_in(data))


def mask_file(context: Context, job: Job) -> MaskedFile:
    """Mask one file.

    Returns:
        Its content; without one where it can't be told what is secret in it. Nothing is raised.
    """
    try:
        return _mask(context, job)
    except FluxsecretsError as error:
        return MaskedFile(job.path, problem=error.in_file(context.shown(job.path)))


def _mask(context: Context, job: Job) -> MaskedFile:
    text, problem = _without_values(context, job)
    data, values, stand_ins, remarks = text.data, text.values, 0, list[str]()
    hides = not context.options.show_values
    if hides and _is_manifest(job.path) and may_patch(data):
        patched = mask_flux_patches(data, context.masks, context.session.limits)
        data, values = patched.data, values + patched.values
    if hides and job.secret is None and has_private_key(data):
        data, count = mask_private_keys(data, name_in(job.path), context.masks)
        values += count
        remarks.append(KEY_IN_PLAIN_TEXT)
    if _is_candidate(context, job, data):
        found = with_stand_ins(data, context.masks, context.session.limits, context.patches.objects)
        data, stand_ins = found.data, found.count
        remarks += found.remarks
    return MaskedFile(
        job.path,
        data,
        values,
        text.closed,
        stand_ins,
        tuple(remarks),
        None if problem is None else problem.in_file(context.shown(job.path)),
    )


def _is_candidate(context: Context, job: Job, data: bytes) -> bool:
    if context.options.as_is or job.path in context.patches.files:
        return False
    return _is_manifest(job.path) and may_stand_in(data)


def _is_manifest(path: str) -> bool:
    return path.lower().endswith(MANIFEST_SUFFIXES) and not is_kustomization(path)


def _without_values(context: Context, job: Job) -> tuple[MaskedText, FluxsecretsError | None]:
    options, masks, limits = context.options, context.masks, context.session.limits
    name = name_in(job.path)
    encrypted = detect_encryption(job.data, job.path) if job.secret is not None else None
    if encrypted is not None:
        return mask_encrypted(
            context.session, job.data, encrypted, name, masks, show_values=options.show_values
        )
    if job.secret is not None and job.secret.error is not None:
        raise job.secret.error
    if options.show_values:
        return MaskedText(job.data, 0, 0), None
    if job.secret is not None:
        return mask_plain(job.secret, job.data, name, masks, limits), None
    if context.patches.files.get(job.path):
        patch = mask_patch(job.data.decode("utf-8", "replace"), "", masks, limits)
        if patch is not None:
            return MaskedText(patch.encode(), 1, 0), None
    elif is_kustomization(job.path) or is_generator(job.data):
        return mask_kustomization(job.data, masks, limits), None
    return MaskedText(job.data, 0, 0), None
