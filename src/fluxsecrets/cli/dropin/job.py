"""One content of a command: where it comes from, what it counts as, and where the result goes."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from fluxsecrets.cli.dropin.call import Call
from fluxsecrets.cli.dropin.codes import (
    CONFLICTING_PARAMETERS,
    COULD_NOT_READ_INPUT,
    COULD_NOT_RETRIEVE_KEY,
    COULD_NOT_WRITE_OUTPUT,
    ERROR_DECRYPTING_TREE,
    ERROR_DUMPING_TREE,
    GENERIC,
    MAC_MISMATCH,
    NO_FILE_SPECIFIED,
    coded,
    failing_with,
    usage_error,
)
from fluxsecrets.errors import (
    DataKeyError,
    FileAccessError,
    FluxsecretsError,
    FormatError,
    IntegrityError,
    LimitError,
)
from fluxsecrets.files.reading import FileContent, names_open_file, read_file
from fluxsecrets.files.reasons import reason_of
from fluxsecrets.ops.files.content import OpenedFile, open_file
from fluxsecrets.records import dataclass, field
from fluxsecrets.sops.document import Data, to_data
from fluxsecrets.sops.formats import StoresConfig, make_format

PLAIN_MODE, ENCRYPTED_MODE = 0o600, 0o644
"""Permission bits of new files."""

STDIN_SHOWN = "standard input"


@dataclass(frozen=True, slots=True)
class Job:
    """One content.

    Attributes:
        path: absolute; stands for it in creation rules.
        input: name of its format.
        file: the file as it was read; None where it is none, such as standard input.
    """

    shown: str
    path: Path
    data: bytes = field(repr=False)
    input: str
    output: str
    file: FileContent | None = field(default=None, repr=False)

    @contextmanager
    def named(self) -> Iterator[None]:
        """Name the file in errors that pass here."""
        try:
            yield
        except FluxsecretsError as error:
            if self.file is not None and error.path == str(self.file.path):
                error.path = self.shown
            raise error.in_file(self.shown) from None


def refuse_both_outputs(call: Call) -> None:
    """Refuse --in-place with --output.

    Raises:
        UsageError: both were given.
    """
    if call.values.on("in-place") and call.values.text("output"):
        raise usage_error(
            "--in-place and --output exclude each other", CONFLICTING_PARAMETERS, "leave one of them out"
        )


def must_exist(call: Call, text: str) -> None:
    """Refuse a file that is not there.

    Raises:
        FileAccessError: it is not.
    """
    if not (call.session.cwd / text).exists():
        error = FileAccessError("there is no such file", path=text, hint="check its spelling")
        raise coded(error, NO_FILE_SPECIFIED)


def read_job(call: Call, text: str | None) -> Job:
    """Read a file, or standard input for None.

    Raises:
        FileAccessError, LimitError: it cannot be read, or is too large.
    """
    override = call.values.text("filename-override") or text or ""
    content: FileContent | None = None
    with failing_with(COULD_NOT_READ_INPUT):
        if text is None:
            data = sys.stdin.buffer.read(call.session.limits.size + 1) if sys.stdin is not None else b""
            _check_size(call, data, STDIN_SHOWN)
        else:
            data, content = _read(call, text)
    path = call.session.cwd / override
    return Job(
        text if text is not None else STDIN_SHOWN,
        absolute_path(path),
        data,
        call.input_format(override),
        call.output_format(override),
        content,
    )


def absolute_path(path: Path) -> Path:
    """A path without `..`, which is taken out without looking at links, as in Go."""
    import os.path

    return Path(os.path.abspath(path))  # noqa: PTH100


def _read(call: Call, text: str) -> tuple[bytes, FileContent | None]:
    path = call.session.cwd / text
    if path.exists() and (names_open_file(path) or not (path.is_file() or path.is_dir())):
        return _read_stream(call, path, text), None
    try:
        content = read_file(path.resolve(), limit=call.session.limits.size)
    except FluxsecretsError as error:
        error.path = text
        raise
    return content.data, content


def _read_stream(call: Call, path: Path, text: str) -> bytes:
    """Read what is not a regular file, such as `/dev/stdin` or the shell's `<(...)`."""
    try:
        with path.open("rb") as stream:
            data = stream.read(call.session.limits.size + 1)
    except OSError as error:
        reason, hint = reason_of(error)
        raise FileAccessError(f"cannot be read: {reason}", hint=hint, path=text) from None
    _check_size(call, data, text)
    return data


def _check_size(call: Call, data: bytes, shown: str) -> None:
    if len(data) > call.session.limits.size:
        limit = call.session.limits.size // 2**20
        raise LimitError(f"is too large: the limit is {limit} MiB", path=shown, hint="split it")


def open_job(call: Call, job: Job) -> OpenedFile:
    """Decrypt a content; its MAC is checked, unless the user said to ignore it.

    Raises:
        DataKeyError, IntegrityError, NotEncryptedError, ...: see `open_file`.
    """
    order, check_mac = call.order(), call.check_mac()
    with job.named(), failing_with(GENERIC):
        arguments = (make_format(job.input), job.data, call.session.providers, call.session.limits)
        try:
            opened = open_file(*arguments, check_mac=check_mac, order=order)
        except DataKeyError as error:
            raise coded(error, COULD_NOT_RETRIEVE_KEY) from None
        except IntegrityError as error:
            try:
                open_file(*arguments, check_mac=False, order=order)
            except IntegrityError:
                raise coded(error, ERROR_DECRYPTING_TREE) from None
            raise coded(error, MAC_MISMATCH) from None
    call.warn_of(job.shown, opened.opened.warnings)
    return opened


def converted(call: Call, parts: list[Data], format_name: str) -> bytes:
    """Plain data written in a format; formats other than YAML take the first document, as with sops.

    Raises:
        FormatError: the format cannot hold it.
    """
    format_ = make_format(format_name, output_stores(call))
    if len(parts) > 1 and not format_.many_documents:
        call.warn(f"{format_name} holds one document: the first of {len(parts)} is written")
        parts = parts[:1]
    with failing_with(ERROR_DUMPING_TREE, FormatError):
        return format_.render([_as_text(part) for part in parts])


def output_stores(call: Call) -> StoresConfig:
    """Indentation for what is written anew; a broken configuration keeps nobody from reading."""
    with suppress(FluxsecretsError):
        return call.stores()
    return StoresConfig()


def plain_data(opened: OpenedFile) -> list[Data]:
    """The values of an opened file, by document."""
    return [to_data(part) for part in opened.parts]


def _as_text(data: Data) -> Data:
    """The data with bytes as text, which is what sops makes of a binary file."""
    if isinstance(data, dict):
        return {key: _as_text(value) for key, value in data.items()}
    if isinstance(data, list):
        return [_as_text(value) for value in data]
    if not isinstance(data, bytes):
        return data
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data


def deliver(call: Call, job: Job, data: bytes, *, in_place: bool | None = None, mode: int) -> None:
    """Write a result in place, to --output, or to standard output.

    Raises:
        FileAccessError: it cannot be written; what was there before still is.
    """
    output = call.values.text("output")
    if in_place is None:
        in_place = call.values.on("in-place")
    if not in_place and not output:
        call.out.data(data)
        return
    # Here and not above: most command lines print, and need neither.
    from fluxsecrets.cli.output import write_output
    from fluxsecrets.ops.run.onefile import replace_file

    with job.named(), failing_with(COULD_NOT_WRITE_OUTPUT):
        if not in_place:
            write_output(call.session, call.out, data, Path(output), mode=mode)
        elif job.file is None:
            raise FileAccessError("it is not a file that can be replaced", hint="leave out --in-place")
        else:
            note = replace_file(job.file, data)
            call.warn_of(call.session.shown(job.file.path), () if note is None else (note,))
