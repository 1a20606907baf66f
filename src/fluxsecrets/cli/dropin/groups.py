"""`sops groups add` and `sops groups delete`."""

from __future__ import annotations

from fluxsecrets.cli.dropin.call import Call
from fluxsecrets.cli.dropin.codes import GENERIC, failing_with, usage_error
from fluxsecrets.cli.dropin.flags import RECIPIENT_FLAGS
from fluxsecrets.cli.dropin.job import ENCRYPTED_MODE, Job, deliver, open_job, read_job
from fluxsecrets.cli.dropin.policy import named_recipients
from fluxsecrets.errors import RecipientError, UnprotectedError
from fluxsecrets.ops.files.rekey import with_same_data_key
from fluxsecrets.sops.envelope import RecipientGroups


def add(call: Call) -> int:
    """Add a key group to a file."""
    if call.arguments:
        raise usage_error("this takes flags only", GENERIC, "name the file with --file")
    group = named_recipients({flag: call.values.many(flag) for flag in RECIPIENT_FLAGS}, call)
    if not group:
        raise usage_error("the new group has no recipient", GENERIC, "name one with --age or --pgp")
    job = _job(call)
    opened = open_job(call, job)
    threshold = call.values.number("shamir-secret-sharing-threshold") or opened.metadata.shamir_threshold
    _write(call, job, (*opened.metadata.recipients, group), threshold)
    return 0


def delete(call: Call) -> int:
    """Remove a key group of a file; its data key stays, as with sops."""
    if len(call.arguments) != 1 or not call.arguments[0].isdecimal():
        raise usage_error("this takes the number of a group, which counts from 0", GENERIC)
    job, number = _job(call), int(call.arguments[0])
    metadata = open_job(call, job).metadata
    groups = metadata.recipients
    if number >= len(groups):
        raise usage_error(f"there is no group {number}: the file has {len(groups)}", GENERIC)
    threshold = call.values.number("shamir-secret-sharing-threshold") or metadata.shamir_threshold
    left = (*groups[:number], *groups[number + 1 :])
    with job.named(), failing_with(GENERIC):
        if not left:
            raise RecipientError("nobody would be left who can open the file")
        if len(left) < threshold:
            raise UnprotectedError(
                f"the file needs {threshold} key groups to open, and {len(left)} would be left",
                hint="lower the number with --shamir-secret-sharing-threshold",
            )
    _write(call, job, left, threshold)
    return 0


def _job(call: Call) -> Job:
    if not call.values.text("file"):
        raise usage_error("no file was named", GENERIC, "name it with --file")
    return read_job(call, call.values.text("file"))


def _write(call: Call, job: Job, groups: RecipientGroups, threshold: int) -> None:
    with job.named(), failing_with(GENERIC):
        data = with_same_data_key(call.session, open_job(call, job), groups, threshold)
    deliver(call, job, data, mode=ENCRYPTED_MODE)
