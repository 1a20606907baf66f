"""Edit plain text in a private folder until it can be encrypted.

The plain text is in memory if the system supports it, and only while the editor runs. If the edited text
can't be encrypted, the editor opens again with the problem on top. If nobody can be asked how to continue,
the text is kept as one encrypted value, or the error says that it was not kept.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import TypeVar

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.files.private import private_directory
from fluxsecrets.files.reading import read_file
from fluxsecrets.files.writing import write_new
from fluxsecrets.ops.policy.policy import Policy
from fluxsecrets.ops.run.session import Session
from fluxsecrets.shell import file_word
from fluxsecrets.sops.formats import make_format

from .encryption import encrypt_content

MAX_STARTS = 10
"""How often the editor is started for text that can't be encrypted before somebody is asked."""

Edit = Callable[[Path], None]
"""Opens a file in the editor, and returns when the editor has ended."""

Ask = Callable[[FluxsecretsError], bool | None]
"""Shows an error, and asks whether to edit again. None if nobody can be asked."""

Keep = Callable[[bytes], str]
"""Keeps text that can't be encrypted in its format, and returns the path for messages."""

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
        keep: keeps the text if nobody can be asked; None discards it.
    """

    edit: Edit
    ask: Ask
    format: str
    limit: int
    keep: Keep | None = None

    def until_encrypted(self, name: str, original: bytes, encrypt: Callable[[bytes], Made]) -> Made | None:
        """Edit a text until it can be encrypted.

        Returns:
            What `encrypt` returned, or None if the text is the original again.

        Raises:
            FluxsecretsError: the text can't be encrypted, and the user gave up or can't be asked. The
                message says what became of the text.
        """
        with private_directory() as folder:
            path = folder / name
            write_new(path, original)
            header, given, failed, reason = b"", original, original, None
            for started in count(1):
                try:
                    self.edit(path)
                except FluxsecretsError as error:
                    left = given
                    with suppress(FluxsecretsError):
                        left = self._read(path)
                    if left != given:
                        self._keep(error, _without_message(left, header))
                    raise
                text = self._read(path)
                edited = _without_message(text, header)
                if edited == original:
                    return None
                if reason is not None and edited == failed:
                    if text != given:
                        self._ask(reason, edited, started)
                    elif not self.ask(reason):
                        raise _given_up(reason)
                    continue
                try:
                    return encrypt(edited)
                except FluxsecretsError as error:
                    failed, reason = edited, error
                header = self._message(reason, edited)
                given = _with_message(edited, header)
                path.write_bytes(given)
                # A script in place of an editor makes the same mistake for ever.
                if not header or started % MAX_STARTS == 0:
                    self._ask(reason, edited, started)
        return None  # for type checkers

    def _ask(self, reason: FluxsecretsError, edited: bytes, started: int) -> None:
        """Ask whether to edit again.

        Raises:
            FluxsecretsError: the reason, and what became of the text.
        """
        answer = self.ask(reason)
        if answer:
            return
        if answer is None and started > 1:
            reason.details = (*reason.details, f"the editor was started {started} times")
        if answer is None:
            self._keep(reason, edited)
            raise reason
        raise _given_up(reason)

    def _read(self, path: Path) -> bytes:
        return read_file(path, limit=2 * self.limit).data

    def _keep(self, error: FluxsecretsError, text: bytes) -> None:
        """Keep a text if possible, and add to an error what became of it."""
        shown = None
        if self.keep is not None:
            with suppress(FluxsecretsError):
                shown = self.keep(text)
        if shown is None:
            _given_up(error)
            return
        error.details = (*error.details, f"your edited text is in {shown}, encrypted as one value")
        error.hint = f"read it with `fluxsecrets decrypt {file_word(shown)}`, then delete it"

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


@dataclass(frozen=True, slots=True)
class Given:
    """Edited text that is at hand already, such as an editor's buffer: no file and no second attempt."""

    text: bytes = field(repr=False)

    def until_encrypted(self, name: str, original: bytes, encrypt: Callable[[bytes], Made]) -> Made | None:
        """Encrypt the text once; see `Desk.until_encrypted`.

        Raises:
            FluxsecretsError: the text can't be encrypted.
        """
        del name
        return None if self.text == original else encrypt(self.text)


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


def keeper(session: Session, path: Path, policy: Policy) -> Keep:
    """Return what keeps a text beside its file, encrypted as one value for the recipients of a policy."""

    def keep(text: bytes) -> str:
        binary = make_format("binary", policy.stores)
        encrypted = encrypt_content(
            *(binary, text, replace(policy, selector=None), session.providers),
            now=session.now(),
            limits=session.limits,
            kubernetes=False,
        )
        kept = _write_aside(path, encrypted.data, path.name, "")
        if kept is None:
            raise FluxsecretsError("the text could not be kept")
        return session.shown(kept)

    return keep


def kept_aside(session: Session, path: Path, encrypted: bytes, error: FluxsecretsError) -> FluxsecretsError:
    """Return the error with the place of the edited text: a separate file, encrypted."""
    stem, dot, suffix = path.name.rpartition(".")
    name = (stem, dot + suffix) if stem else (path.name, "")
    kept = _write_aside(path, encrypted, *name)
    if kept is None:
        error.details = (*error.details, "the edited text could not be saved either, and is lost")
        return error
    shown = session.shown(kept)
    error.details = (*error.details, f"your edited text is in {shown}, encrypted")
    error.hint = f"compare the two with `fluxsecrets decrypt {file_word(shown)}`, then rename it or delete it"
    return error


def _write_aside(path: Path, encrypted: bytes, stem: str, suffix: str) -> Path | None:
    folders: list[Path] = [path.parent]
    with suppress(OSError):
        folders.append(Path(tempfile.gettempdir()))
    for folder in folders:
        for number in range(1, 10):
            mark = "edited" if number == 1 else f"edited-{number}"
            name = f"{stem}.{mark}{suffix}"
            with suppress(FluxsecretsError):
                write_new(folder / name, encrypted)
                return folder / name
    return None
