"""`sops edit`, which is also what sops does where no command is named."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace

from fluxsecrets.cli.dropin.call import Call
from fluxsecrets.cli.dropin.codes import (
    COULD_NOT_READ_INPUT,
    COULD_NOT_RETRIEVE_KEY,
    COULD_NOT_WRITE_OUTPUT,
    FILE_NOT_MODIFIED,
    GENERIC,
    NO_EDITOR_FOUND,
    coded,
    failing_with,
)
from fluxsecrets.cli.dropin.encrypt import (
    encrypt_text,
    encrypted_again,
    in_output_format,
    warn_of_differences,
)
from fluxsecrets.cli.dropin.job import ENCRYPTED_MODE, Job, absolute_path, deliver, open_job, read_job
from fluxsecrets.cli.dropin.policy import file_policy
from fluxsecrets.errors import FluxsecretsError, RecipientError, UsageError
from fluxsecrets.files.private import private_directory
from fluxsecrets.files.reading import read_file
from fluxsecrets.files.writing import write_new
from fluxsecrets.ops.files.desk import kept_aside
from fluxsecrets.ops.files.editor import find_editor, run_editor
from fluxsecrets.sops.envelope import check_recipients
from fluxsecrets.sops.formats import make_format


def run(call: Call) -> int:
    """Edit a file, or make a new one."""
    text = call.first_argument()
    if (call.session.cwd / text).exists():
        job = read_job(call, text)
        deliver(call, job, edited(call, job), in_place=True, mode=ENCRYPTED_MODE)
    else:
        create(call, text)
    return 0


def edited(call: Call, job: Job) -> bytes:
    """A job's content, changed in the editor and encrypted again."""
    if call.values.on("show-master-keys"):
        call.warn("--show-master-keys is not carried: rotate --add-age and --rm-age change recipients")
    opened = open_job(call, job)
    warn_of_differences(call, job, opened)
    with job.named():
        before = in_output_format(call, job, opened.text())
        return _in_editor(
            call, job, before, lambda text: encrypted_again(call, job, opened, text, by_hand=True)
        )


def create(call: Call, text: str) -> None:
    """Make a new file from what is written in the editor.

    Raises:
        ConfigError: there is no rule for it, and no recipient was named.
    """
    job = _new_job(call, text)
    with job.named():
        policy = file_policy(call, job.path)
        with failing_with(COULD_NOT_RETRIEVE_KEY, RecipientError):
            check_recipients(policy.groups, call.session.providers)
        format_ = make_format(job.output)
        template = format_.render([dict(format_.example)])
        data = _in_editor(
            call, job, template, lambda plain: encrypt_text(call, plain, job.output, policy).data
        )
        with failing_with(COULD_NOT_WRITE_OUTPUT):
            try:
                write_new(job.path, data, ENCRYPTED_MODE)
            except FluxsecretsError as error:  # somebody created it meanwhile, say
                raise kept_aside(call.session, job.path, data, error) from None


def _new_job(call: Call, text: str) -> Job:
    name = call.values.text("filename-override") or text
    path = absolute_path(call.session.cwd / text)
    job = Job(text, path, b"", call.input_format(name), call.output_format(name))
    return replace(job, input=job.output)


def _in_editor(call: Call, job: Job, before: bytes, encrypt: Callable[[bytes], bytes]) -> bytes:
    """Edit a text until it can be encrypted.

    Raises:
        UsageError: nothing was changed, or there is no editor.
        FluxsecretsError: it could not be encrypted, and there is nobody to ask.
    """
    with failing_with(NO_EDITOR_FOUND):
        editor = find_editor(call.session.environ)
    with private_directory() as folder:
        path = folder / job.path.name
        write_new(path, before)
        while True:
            with failing_with(NO_EDITOR_FOUND):
                run_editor(editor, path, call.session.environ)
            with failing_with(COULD_NOT_READ_INPUT):
                after = read_file(path, limit=call.session.limits.size).data
            if after == before:
                error = UsageError("nothing was changed", path=job.shown)
                raise coded(error, FILE_NOT_MODIFIED)
            try:
                return encrypt(after)
            except FluxsecretsError as error:
                if not _goes_on(call, error):
                    error.details = (*error.details, "the edited text was not kept, because it is plain text")
                    raise coded(error, GENERIC) from None


def _goes_on(call: Call, error: FluxsecretsError) -> bool:
    """Show what is wrong, and wait until the user wants to go on; False where there is nobody."""
    if sys.stdin is None or not sys.stdin.isatty():
        return False
    call.out.error(error)
    call.out.note("press Enter to return to the editor, or Ctrl+C to give up")
    return bool(sys.stdin.readline())
