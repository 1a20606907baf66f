"""What `fluxsecrets decrypt` does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from fluxsecrets.cli.commandline import only_path
from fluxsecrets.cli.output import Output, say_plain, show_warnings, write_plain
from fluxsecrets.errors import UsageError
from fluxsecrets.namedtuples import NamedTuple
from fluxsecrets.ops.files.decrypt import decrypt_given, decrypt_in_place
from fluxsecrets.ops.run.inputs import read_input

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fluxsecrets.ops.run.session import Session


class DecryptRequest(NamedTuple):
    """What to decrypt, and where to."""

    paths: tuple[str, ...] = ()
    in_place: bool = False
    environment: str | None = None
    output: Path | None = None
    key: str | None = None
    output_type: str | None = None
    filename: str | None = None
    input_type: str | None = None


def decrypt(start: Callable[[], Session], asked: DecryptRequest, *, report: str, quiet: bool) -> int:
    """Print a file decrypted, or decrypt files in place.

    Args:
        start: makes the session.
        asked: what to decrypt.
        report: format of the report of -i.
        quiet: no messages but errors.

    Returns:
        The exit code.
    """
    session, out = start(), Output(quiet=quiet)
    if asked.in_place:
        return _in_place(session, out, asked, report)
    if asked.environment is not None:
        raise UsageError("--env decrypts many files, which is done in place only", hint="add -i to do that")
    if report != "text":
        raise UsageError(
            "--format is for the report of -i", hint="to print the values as JSON, use --output-type json"
        )
    text = only_path(asked.paths, "add -i to decrypt several files in place")
    given = read_input(session, text, asked.filename, asked.input_type)
    content = decrypt_given(session, given, output_type=asked.output_type, key=asked.key)
    show_warnings(out, given.target.shown, content.warnings)
    write_plain(session, out, content.data, asked.output)
    return 0


def _in_place(session: Session, out: Output, asked: DecryptRequest, report: str) -> int:
    from fluxsecrets.ops.run.results import Outcome
    from fluxsecrets.report.results import FORMATS

    if asked.output or asked.key is not None or asked.output_type or asked.filename or "-" in asked.paths:
        raise UsageError(
            "-i replaces files: it can't be combined with -o, --extract, --output-type, --filename or -",
            hint="leave out -i to print, or to write elsewhere",
        )
    if not asked.paths and asked.environment is None:
        raise UsageError("name the files", hint="files or folders, or --env NAME")
    batch = decrypt_in_place(session, asked.paths, asked.environment, asked.input_type)
    out.show(FORMATS[report]("decrypt", batch))
    if batch.count(Outcome.DECRYPTED):
        say_plain(out, asked.paths, asked.environment)
    return 2 if batch.failed else 0
