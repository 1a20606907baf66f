"""`sops encrypt` and `sops --encrypt`; and how what was opened is encrypted again after a change."""

from __future__ import annotations

from dataclasses import replace

from fluxsecrets.cli.dropin.call import Call
from fluxsecrets.cli.dropin.codes import (
    CONFLICTING_PARAMETERS,
    COULD_NOT_READ_INPUT,
    ERROR_ENCRYPTING_TREE,
    FILE_ALREADY_ENCRYPTED,
    GENERIC,
    NEED_A_DOCUMENT,
    coded,
    failing_with,
    usage_error,
)
from fluxsecrets.cli.dropin.job import (
    ENCRYPTED_MODE,
    Job,
    converted,
    deliver,
    must_exist,
    read_job,
    refuse_both_outputs,
)
from fluxsecrets.cli.dropin.policy import file_policy, own_policy
from fluxsecrets.errors import (
    AlreadyEncryptedError,
    FluxsecretsError,
    FormatError,
    LimitError,
    MetadataError,
    UnprotectedError,
)
from fluxsecrets.ops.files.content import OpenedFile, parse
from fluxsecrets.ops.files.encryption import EncryptedFile, encrypt_content
from fluxsecrets.ops.policy.policy import Policy
from fluxsecrets.ops.policy.strangers import difference_lines, judge
from fluxsecrets.sops.document import Document, to_data
from fluxsecrets.sops.formats import make_format


def run(call: Call) -> int:
    """Encrypt a file or standard input."""
    if not call.arguments:
        if call.values.on("in-place"):
            raise usage_error("--in-place needs a file, and none was named", CONFLICTING_PARAMETERS)
        if not call.values.text("filename-override"):
            raise usage_error(
                "standard input has no name, which says its rule and its format",
                CONFLICTING_PARAMETERS,
                "add --filename-override NAME, or name a file",
            )
    call.warn_of_more()
    refuse_both_outputs(call)
    text = call.arguments[0] if call.arguments else None
    if text is not None:
        must_exist(call, text)
    job = read_job(call, text)
    deliver(call, job, encrypted(call, job), mode=ENCRYPTED_MODE)
    return 0


def encrypted(call: Call, job: Job) -> bytes:
    """The encrypted content of a job."""
    with job.named():
        policy = file_policy(call, job.path)
        try:
            result = encrypt_text(call, _in_output_format(call, job), job.output, policy)
        except AlreadyEncryptedError as error:
            error.hint = "change it with `sops edit FILE`, or leave it as it is"
            raise
    call.warn_of(job.shown, result.warnings)
    return result.data


def _in_output_format(call: Call, job: Job) -> bytes:
    if job.input == "yaml" and not job.data.strip():
        raise coded(FormatError("the file is empty", hint="write the values into it first"), NEED_A_DOCUMENT)
    if job.input == job.output:
        return job.data
    with failing_with(COULD_NOT_READ_INPUT, FormatError, LimitError):
        document = parse(make_format(job.input), job.data, call.session.limits)
    if document.metadata is not None:
        raise coded(AlreadyEncryptedError("the file is already encrypted"), FILE_ALREADY_ENCRYPTED)
    return converted(call, [to_data(part) for part in document.parts], job.output)


def encrypt_text(
    call: Call,
    text: bytes,
    format_name: str,
    policy: Policy,
    previous: OpenedFile | None = None,
    *,
    by_hand: bool = False,
) -> EncryptedFile:
    """Encrypt a text, with sops's exit codes for what is wrong with it.

    Unchanged values keep their ciphertext from `previous`. `by_hand` means that people edited the text.

    Raises:
        AlreadyEncryptedError, UnprotectedError, RecipientError, ...: see `encrypt_content`.
    """
    with (
        failing_with(GENERIC),
        failing_with(FILE_ALREADY_ENCRYPTED, AlreadyEncryptedError, MetadataError),
        failing_with(COULD_NOT_READ_INPUT, FormatError, LimitError),
        failing_with(ERROR_ENCRYPTING_TREE, UnprotectedError),
    ):
        return encrypt_content(
            make_format(format_name, policy.stores),
            text,
            policy,
            call.session.providers,
            now=call.session.now(),
            limits=call.session.limits,
            kubernetes=False,
            previous=previous,
            by_hand=by_hand,
        )


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
