"""What `fluxsecrets set` does."""

from __future__ import annotations

from collections.abc import Callable

from fluxsecrets.cli.output import Output
from fluxsecrets.cli.runs.valuesource import ValueSource, read_value
from fluxsecrets.errors import UsageError
from fluxsecrets.ops.files.getting import ValueRequest
from fluxsecrets.ops.files.values import NewValue, change_value
from fluxsecrets.ops.sealing.sealers import Sealers, is_sealed_file
from fluxsecrets.report.values import FORMATS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fluxsecrets.ops.run.session import Session


def set_value(
    start: Callable[[], Session],
    asked: ValueRequest,
    source: ValueSource,
    sealers: Sealers,
    *,
    as_json: bool,
    report: str,
    quiet: bool,
) -> int:
    """Set one value of an encrypted file.

    Args:
        start: makes the session.
        asked: the place of the value.
        source: the value.
        sealers: what the user named for SealedSecrets.
        as_json: the value is JSON, and so is an argument if the key is in brackets.
        report: format of the result.
        quiet: no messages but errors.

    Returns:
        The exit code.
    """
    session, out = start(), Output(quiet=quiet)
    source.refuse_two("VALUE, --stdin, --value-file and --generate")
    # sops takes the value as JSON where the key is in brackets.
    as_json = as_json or (source.value is not None and asked.key.startswith("["))
    if as_json and source.spec is not None:
        raise UsageError("--generate makes a string", hint="leave out --json")

    def new() -> NewValue:
        hint = "add the value, --stdin, --value-file FILE or --generate password:32"
        data = read_value(session, source, hint)
        return NewValue(json=data) if as_json else NewValue(data=data)

    if is_sealed_file(session, asked.path):
        from fluxsecrets.ops.sealing.edit import set_sealed

        out.show(FORMATS[report]("set", set_sealed(session, asked, new, sealers)))
    else:
        sealers.refuse_unused(asked.path)
        out.show(FORMATS[report]("set", change_value(session, asked, new)))
    if source.value is not None:
        out.warning("warning: the value is in your shell's history now; --stdin keeps it out of that")
    return 0
