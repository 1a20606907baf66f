"""`sops set`, `sops unset` and `sops --set`."""

from __future__ import annotations

import sys
from collections.abc import Callable

from fluxsecrets.cli.dropin.call import Call
from fluxsecrets.cli.dropin.codes import (
    COULD_NOT_READ_INPUT,
    ERROR_DUMPING_TREE,
    GENERIC,
    INVALID_SET_FORMAT,
    NO_FILE_SPECIFIED,
    failing_with,
    usage_error,
)
from fluxsecrets.cli.dropin.encrypt import (
    encrypted_again,
    in_output_format,
    plain_document,
    warn_of_differences,
)
from fluxsecrets.cli.dropin.job import ENCRYPTED_MODE, Job, deliver, open_job, read_job
from fluxsecrets.cli.dropin.tree import parse_tree_path, set_in, unset_in
from fluxsecrets.errors import FluxsecretsError, FormatError, UsageError
from fluxsecrets.ops.files.content import OpenedFile
from fluxsecrets.sops.document import Data, Document, Path, find, show_path, to_data
from fluxsecrets.sops.formats import make_format
from fluxsecrets.sops.formats.changing import refuse_merge_key, remove_value, set_value
from fluxsecrets.sops.formats.json_read import read_value


def run_set(call: Call) -> int:
    """Set one value of a file."""
    if call.values.on("value-file") and call.values.on("value-stdin"):
        raise usage_error("--value-file and --value-stdin exclude each other", GENERIC)
    wanted = 2 if call.values.on("value-stdin") else 3
    if len(call.arguments) != wanted:
        what = "FILE INDEX" if wanted == 2 else "FILE INDEX VALUE"
        raise usage_error(
            f"this takes {wanted} arguments: {what}", NO_FILE_SPECIFIED, "flags stand in front of them"
        )
    path = _path(call.arguments[1])
    value = json_value(_value_text(call))
    job = read_job(call, call.arguments[0])
    data, changed = value_set(call, job, path, value)
    if changed or not call.values.on("idempotent"):
        deliver(call, job, data, in_place=True, mode=ENCRYPTED_MODE)
    return 0


def run_unset(call: Call) -> int:
    """Remove one value of a file."""
    if len(call.arguments) != 2:
        raise usage_error("this takes 2 arguments: FILE INDEX", NO_FILE_SPECIFIED)
    path = _path(call.arguments[1])
    job = read_job(call, call.arguments[0])
    data = _value_unset(call, job, path)
    if data is not None:
        deliver(call, job, data, in_place=True, mode=ENCRYPTED_MODE)
    return 0


def parse_set_flag(text: str) -> tuple[Path, Data]:
    """What `--set` says: a path and a JSON value, with a space between them.

    Raises:
        UsageError: it is not of that form.
    """
    index, found, value = text.partition("] ")
    if not found:
        raise usage_error(
            "--set takes a path and a value",
            INVALID_SET_FORMAT,
            """such as '["key"] "value as JSON"'""",
        )
    return _path(index + "]"), json_value(value)


def _path(text: str) -> Path:
    with failing_with(INVALID_SET_FORMAT):
        path = parse_tree_path(text)
        if not path:
            raise UsageError("the path is empty", hint="""write it like '["data"]["password"]'""")
        return path


def _value_text(call: Call) -> str:
    if call.values.on("value-stdin"):
        data = sys.stdin.buffer.read() if sys.stdin is not None else b""
    elif call.values.on("value-file"):
        with failing_with(GENERIC):
            return _decoded(_read_value_file(call, call.arguments[2]))
    else:
        return call.arguments[2]
    return _decoded(data)


def _read_value_file(call: Call, text: str) -> bytes:
    from fluxsecrets.files.reading import read_file

    try:
        return read_file(call.session.cwd / text, limit=call.session.limits.size, follow_links=True).data
    except FluxsecretsError as error:
        error.path = text
        raise


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        pass
    raise usage_error("the value is not text in UTF-8", INVALID_SET_FORMAT)


def json_value(text: str) -> Data:
    """A JSON value; lists are taken too, which sops refuses.

    Raises:
        UsageError: not JSON; the text is not in the message.
    """
    try:
        return read_value(text)
    except FluxsecretsError as error:
        reason = error.message.removeprefix("not valid JSON: ")
        raise usage_error(
            f"the value is not JSON: {reason}",
            INVALID_SET_FORMAT,
            """put strings in quotes, such as '"text"'""",
        ) from None


def value_set(call: Call, job: Job, path: Path, value: Data) -> tuple[bytes, bool]:
    """The file with one value set, encrypted, and whether that changed anything."""
    opened = open_job(call, job)
    warn_of_differences(call, job, opened)
    with job.named():
        plain = opened.text()
        before = plain_document(call, job, plain)
        refuse_merge_key(before.parts[0], path)
        text = _changed(
            call,
            job,
            before,
            lambda: set_value(opened.format, before, path, value, call.session.limits),
            lambda root: set_in(root, path, value),
        )
        if text == plain and job.output == job.input:
            return job.data, False
        changed = _parts(before) != _parts(plain_document(call, job, text))
        return _encrypted(call, job, opened, text), changed


def _value_unset(call: Call, job: Job, path: Path) -> bytes | None:
    opened = open_job(call, job)
    warn_of_differences(call, job, opened)
    with job.named():
        before = plain_document(call, job, opened.text())
        if find(before.parts[0], path) is None:
            if call.values.on("idempotent"):
                return None
            raise UsageError(f"the file has no {show_path(path)}", hint="add --idempotent if that is fine")
        refuse_merge_key(before.parts[0], path)
        text = _changed(
            call,
            job,
            before,
            lambda: remove_value(opened.format, before, path, call.session.limits),
            lambda root: unset_in(root, path),
        )
        return _encrypted(call, job, opened, text)


def _changed(
    call: Call,
    job: Job,
    document: Document,
    in_text: Callable[[], bytes],
    in_data: Callable[[Data], Data],
) -> bytes:
    """The text with a change made in it; where its layout does not allow that, written anew as sops does."""
    try:
        return in_text()
    except FormatError:
        parts = [to_data(part) for part in document.parts]
        parts[0] = in_data(parts[0])
        with failing_with(ERROR_DUMPING_TREE, FormatError):
            text = make_format(job.input, call.stores()).render(parts)
        call.warn_of(job.shown, ("this change took the file's layout and comments along",))
        return text


def _encrypted(call: Call, job: Job, opened: OpenedFile, text: bytes) -> bytes:
    with failing_with(COULD_NOT_READ_INPUT, FormatError):
        return encrypted_again(call, job, opened, in_output_format(call, job, text))


def _parts(document: Document) -> str:
    # As text: Python holds 1, 1.0 and True for the same.
    return repr([to_data(part) for part in document.parts])
