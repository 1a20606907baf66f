"""Edit plain text in a private folder until it can be encrypted.

The plain text is in memory if the system supports it, and only while the editor runs. If the edited text
can't be encrypted, the editor opens again with the problem on top.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.files.private import private_directory
from fluxsecrets.files.reading import read_file
from fluxsecrets.files.writing import write_new
from fluxsecrets.ops.run.session import Session
from fluxsecrets.shell import file_word
from fluxsecrets.sops.formats import make_format

Edit = Callable[[Path], None]
"""Opens a file in the editor, and returns when the editor has ended."""

Ask = Callable[[FluxsecretsError], bool]
"""Shows an error, and asks whether to edit again. False if nobody can be asked."""

Made = TypeVar("Made")

_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Desk:
    """A loop that edits plain text until it can be encrypted.

    Attributes:
        edit: runs the editor.
        ask: asks whether to continue after an error.
        format: the text's format, for comments with errors.
        limit: the largest size of a file, in bytes.
        warn: shows a warning, or None.
    """

    edit: Edit
    ask: Ask
    format: str
    limit: int
    warn: Callable[[str], None] | None

    def until_encrypted(self, name: str, original: bytes, encrypt: Callable[[bytes], Made]) -> Made | None:
        """Edit a text until it can be encrypted.

        Returns:
            What `encrypt` returned, or None if the text is the original again.

        Raises:
            FluxsecretsError: the text can't be encrypted, and the user gave up.
        """
        with private_directory(self.warn) as folder:
            path = folder / name
            write_new(path, original)
            header, failed, reason = b"", original, None
            while True:
                self.edit(path)
                edited = _without_message(read_file(path, limit=2 * self.limit).data, header)
                if edited == original:
                    return None
                if reason is not None and edited == failed:
                    if not self.ask(reason):
                        raise _given_up(reason)
                    continue
                try:
                    return encrypt(edited)
                except FluxsecretsError as error:
                    failed, reason = edited, error
                header = self._message(reason, edited)
                if header:
                    path.write_bytes(_with_message(edited, header))
                elif not self.ask(reason):
                    raise _given_up(reason)

    def _message(self, error: FluxsecretsError, text: bytes) -> bytes:
        """Return an error as comment lines, or nothing for formats without comments."""
        sign = make_format(self.format).comment_sign
        if not sign:
            return b""
        lines = ["", *error.details]
        if hint := _hint_for_text(error):
            lines.append(f"hint: {hint}")
        lines.append(
            "fix it, or close the editor without a change to give up; these lines are removed automatically"
        )
        place = f"line {error.line + len(lines)}: " if error.line is not None and error.path is None else ""
        lines[0] = f"this can't be encrypted: {place}{error.message}"
        newline = "\r\n" if b"\r\n" in text else "\n"
        shown = (re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", " ", line) for line in lines)
        return "".join(f"{sign}{_MARK}{line}{newline}" for line in shown).encode("utf-8", "replace")


_MARK = "fluxsecrets: "


def _with_message(text: bytes, message: bytes) -> bytes:
    return _BOM + message + text[len(_BOM) :] if text.startswith(_BOM) else message + text


def _without_message(text: bytes, message: bytes) -> bytes:
    """Return the text without the inserted lines, wherever they are now."""
    if not message:
        return text
    mark = message[:1] + _MARK.encode()
    lines = text.removeprefix(_BOM).splitlines(keepends=True)
    kept = b"".join(line for line in lines if not line.startswith(mark))
    return _BOM + kept if text.startswith(_BOM) else kept


def _hint_for_text(error: FluxsecretsError) -> str | None:
    """Return the hint if it concerns the text. Options can't be added from within the editor."""
    return None if error.hint is None or "--" in error.hint else error.hint


def _given_up(error: FluxsecretsError) -> FluxsecretsError:
    hint = _hint_for_text(error)
    error.hint = "nothing was written, and the edited text was not kept, because it is plain text"
    if hint is not None:
        error.hint += f"; {hint}"
    return error


def kept_aside(session: Session, path: Path, encrypted: bytes, error: FluxsecretsError) -> FluxsecretsError:
    """Return the error with the place of the edited text: a separate file, encrypted."""
    kept = _write_aside(path, encrypted)
    if kept is None:
        error.details = (*error.details, "the edited text could not be saved either, and is lost")
        return error
    shown = session.shown(kept)
    error.details = (*error.details, f"your edited text is in {shown}, encrypted")
    error.hint = f"compare the two with `fluxsecrets decrypt {file_word(shown)}`, then rename it or delete it"
    return error


def _write_aside(path: Path, encrypted: bytes) -> Path | None:
    folders: list[Path] = [path.parent]
    with suppress(OSError):
        folders.append(Path(tempfile.gettempdir()))
    stem, dot, suffix = path.name.rpartition(".")
    for folder in folders:
        for number in range(1, 10):
            mark = "edited" if number == 1 else f"edited-{number}"
            name = f"{stem}.{mark}.{suffix}" if dot and stem else f"{path.name}.{mark}"
            with suppress(FluxsecretsError):
                write_new(folder / name, encrypted)
                return folder / name
    return None
