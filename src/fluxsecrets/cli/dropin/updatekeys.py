"""`sops updatekeys`."""

from __future__ import annotations

from fluxsecrets.cli.dropin.asking import agreed
from fluxsecrets.cli.dropin.call import Call
from fluxsecrets.cli.dropin.codes import (
    COULD_NOT_RETRIEVE_KEY,
    GENERIC,
    NO_FILE_SPECIFIED,
    coded,
    failing_with,
    usage_error,
)
from fluxsecrets.cli.dropin.job import absolute_path
from fluxsecrets.errors import ConfigError, DataKeyError, FileAccessError, FluxsecretsError
from fluxsecrets.ops.files.rekey import RekeyResult
from fluxsecrets.ops.files.sync import SyncOptions, sync_files
from fluxsecrets.ops.run.inputs import Target
from fluxsecrets.ops.run.results import FileResult, Outcome


def run(call: Call) -> int:
    """Bring the recipients of files in line with their creation rules, after asking."""
    if call.session.find_config(call.session.cwd) is None:
        error = ConfigError(
            "there is no .sops.yaml in the working directory or above it",
            hint="name one with --config, in front of updatekeys",
        )
        raise coded(error, GENERIC)
    if not call.arguments:
        raise usage_error("no file was named", NO_FILE_SPECIFIED, "put it behind the flags")
    if len(call.arguments) == 1:
        _update(call, call.arguments[0])
        return 0
    failed = 0
    for text in call.arguments:
        try:
            _update(call, text)
        except FluxsecretsError as error:
            call.out.error(error)
            failed += 1
    if failed:
        call.out.note(f"{failed} of {len(call.arguments)} files failed")
    return GENERIC if failed else 0


def _update(call: Call, text: str) -> None:
    path = absolute_path(call.session.cwd / text)
    if path.is_dir():
        raise coded(FileAccessError("it is a folder, and this takes files", path=text), GENERIC)
    target = Target(path.resolve(), text, call.input_format(text))
    preview = _synced(call, target, write=False)
    if preview.outcome is Outcome.UNCHANGED:
        call.out.note(f"{text}: already up to date")
        return
    call.out.text(_changes(preview))
    if not call.values.on("yes") and not agreed("Is this okay? (y/n):"):
        call.out.note(f"{text}: left as it is")
        return
    call.warn_of(text, _synced(call, target, write=True).warnings)
    call.out.note(f"{text}: synced with the rule")


def _synced(call: Call, target: Target, *, write: bool) -> FileResult:
    (result,) = sync_files(call.session, [target], SyncOptions(accept_recipients=True, write=write))
    if result.error is not None:
        code = COULD_NOT_RETRIEVE_KEY if isinstance(result.error, DataKeyError) else GENERIC
        with failing_with(code):
            raise result.error
    return result


def _changes(result: FileResult) -> list[str]:
    lines = [f"{result.path}:"]
    if isinstance(result, RekeyResult):
        lines += [f"  +++ {name}" for name in result.added]
        lines += [f"  --- {name}" for name in result.removed]
        if result.rearranged:
            lines.append("  key groups or threshold change")
    return lines
