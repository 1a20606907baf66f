"""`sops rotate` and `sops --rotate`."""

from __future__ import annotations

from dataclasses import replace

from fluxsecrets.cli.dropin.call import Call
from fluxsecrets.cli.dropin.codes import (
    CANNOT_CHANGE_KEYS_OF_NO_FILE,
    COULD_NOT_READ_INPUT,
    ERROR_ENCRYPTING_TREE,
    GENERIC,
    coded,
    failing_with,
)
from fluxsecrets.cli.dropin.encrypt import encrypt_text, in_output_format, warn_of_differences
from fluxsecrets.cli.dropin.flags import ADDING, RECIPIENT_FLAGS, REMOVING
from fluxsecrets.cli.dropin.job import (
    ENCRYPTED_MODE,
    Job,
    deliver,
    open_job,
    read_job,
    refuse_both_outputs,
)
from fluxsecrets.cli.dropin.policy import named_recipients, own_policy
from fluxsecrets.errors import FileAccessError, FormatError, UnprotectedError
from fluxsecrets.ops.files.content import OpenedFile
from fluxsecrets.ops.files.rekey import with_new_data_key
from fluxsecrets.sops.envelope import RecipientGroups
from fluxsecrets.sops.recipients import Recipient, sops_key


def run(call: Call) -> int:
    """Give a file a new data key, and add and remove recipients."""
    text = call.first_argument()
    refuse_both_outputs(call)
    refuse_keys_of_no_file(call, text)
    job = read_job(call, text)
    deliver(call, job, rotated(call, job), mode=ENCRYPTED_MODE)
    return 0


def refuse_keys_of_no_file(call: Call, text: str) -> None:
    """Refuse to add or remove recipients of a file that is not there.

    Raises:
        FileAccessError: it is not.
    """
    wanted = any(call.values.text(flag) for flag in (*ADDING, *REMOVING))
    if wanted and not (call.session.cwd / text).exists():
        error = FileAccessError("there is no such file, whose recipients could be changed", path=text)
        raise coded(error, CANNOT_CHANGE_KEYS_OF_NO_FILE)


def rotated(call: Call, job: Job) -> bytes:
    """A job's content with a new data key."""
    with job.named(), failing_with(GENERIC):
        added, removed = _flagged(call, "add-"), _flagged(call, "rm-")
        opened = open_job(call, job)
        groups = _changed(opened.metadata.recipients, added, removed)
        warn_of_differences(call, job, opened)
        with failing_with(ERROR_ENCRYPTING_TREE, UnprotectedError):
            return _encrypted(call, job, opened, groups)


def _encrypted(call: Call, job: Job, opened: OpenedFile, groups: RecipientGroups) -> bytes:
    policy = own_policy(call, opened)
    threshold = min(policy.shamir_threshold, len(groups))
    if job.output == job.input and not call.values.on("ignore-mac"):
        data, warnings = with_new_data_key(call.session, opened, groups, threshold, policy.stores)
        call.warn_of(job.shown, warnings)
        return data
    with failing_with(COULD_NOT_READ_INPUT, FormatError):
        text = in_output_format(call, job, opened.text())
        wanted = replace(policy, groups=groups, shamir_threshold=threshold)
        return encrypt_text(call, text, job.output, wanted).data


def _flagged(call: Call, prefix: str) -> tuple[Recipient, ...]:
    texts = {flag: (call.values.text(f"{prefix}{flag}"),) for flag in RECIPIENT_FLAGS}
    return named_recipients(texts, call)


def _changed(
    groups: RecipientGroups, added: tuple[Recipient, ...], removed: tuple[Recipient, ...]
) -> RecipientGroups:
    """Recipients as sops changes them (cmd/sops/rotate.go): added to the first group, removed from all."""
    present = {sops_key(recipient) for group in groups for recipient in group}
    gone = {sops_key(recipient) for recipient in removed}
    fresh = tuple(recipient for recipient in added if sops_key(recipient) not in present)
    return tuple(
        tuple(recipient for recipient in group if sops_key(recipient) not in gone)
        for group in ((*groups[0], *fresh), *groups[1:])
    )
