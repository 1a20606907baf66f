"""An opened file encrypted again after a change, for the same people and in the same way."""

from __future__ import annotations

from dataclasses import replace

from fluxsecrets.cli.dropin.call import Call
from fluxsecrets.cli.dropin.encrypt import encrypt_text
from fluxsecrets.cli.dropin.job import Job, converted
from fluxsecrets.cli.dropin.policy import own_policy
from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.ops.files.content import OpenedFile, parse
from fluxsecrets.ops.policy.strangers import difference_lines, judge
from fluxsecrets.sops.document import Document, to_data
from fluxsecrets.sops.formats import make_format


def encrypted_again(call: Call, job: Job, opened: OpenedFile, text: bytes, *, by_hand: bool = False) -> bytes:
    """Encrypt changed text, which is in the job's output format.

    Values that did not change keep their ciphertexts where the format is that of the file, and nothing that
    was encrypted gets plain text there; what people edit `by_hand` is a warning.
    """
    same = job.output == job.input
    policy = own_policy(call, opened)
    if not same and make_format(job.output).single_value:
        policy = replace(policy, selector=None)
    with job.named():
        result = encrypt_text(call, text, job.output, policy, opened if same else None, by_hand=by_hand)
    call.warn_of(job.shown, result.warnings)
    return result.data


def in_output_format(call: Call, job: Job, text: bytes) -> bytes:
    """Plain text of the file's own format in the job's output format."""
    if job.output == job.input:
        return text
    document = plain_document(call, job, text)
    return converted(call, [to_data(part) for part in document.parts], job.output)


def plain_document(call: Call, job: Job, text: bytes) -> Document:
    """Plain text of the file's own format, read."""
    return parse(make_format(job.input), text, call.session.limits)


def warn_of_differences(call: Call, job: Job, opened: OpenedFile) -> None:
    """Say where a file's own block protects less than its creation rule; sops goes on in silence."""
    try:
        differences = judge(call.session, job.path, opened.metadata, opened.opened.document)
    except FluxsecretsError:
        return  # no rule is needed to change a file
    call.warn_of(job.shown, (f"taken as it is: {line}" for line in difference_lines(differences, {})))
