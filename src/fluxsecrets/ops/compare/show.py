"""What git shows of a file: masked, or with its values if the user wants that."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path

from fluxsecrets.errors import DataKeyError, FluxsecretsError, UsageError
from fluxsecrets.files.reading import read_file
from fluxsecrets.ops.files.content import open_file
from fluxsecrets.ops.run.session import Session
from fluxsecrets.repo.encrypted import detect_encryption
from fluxsecrets.repo.git import Repository, find_repository
from fluxsecrets.repo.git.config import read_setting, read_settings
from fluxsecrets.sops.formats import make_format

from .lean import BLOCK_SIGN
from .plainkey import plain_token
from .textconv import masked_text

SETTING = "fluxsecrets.textconv"
VALUES, MASKED = "values", "masked"

_OFF = ("false", "no", "off", "0", "")


@dataclass(frozen=True, slots=True)
class Shown:
    """What is shown of a file.

    Attributes:
        data: the file itself.
        text: what is shown in its place; None if the file is not a secret.
        with_values: the text has values.
    """

    data: bytes = field(repr=False)
    text: str | None = field(repr=False)
    with_values: bool = False


def masked(session: Session, path: str) -> Shown:
    """Return a file with its values masked.

    Raises:
        FileAccessError: it can't be read.
    """
    return _masked(session, path, _content(session, path))


def as_configured(session: Session, path: str) -> Shown:
    """Return a file as `git config fluxsecrets.textconv` says: `masked`, or with its `values`.

    A file that your identities can't decrypt, or whose MAC is wrong, is masked.

    Raises:
        UsageError: the setting has another value, or git would put the values into its cache.
        FileAccessError: the file can't be read.
    """
    repository = find_repository(session.cwd)
    setting = None if repository is None else read_setting(repository, SETTING)
    if setting not in (None, VALUES, MASKED):
        raise UsageError(f"{SETTING} is {setting!a}", hint=f"`git config {SETTING} {MASKED}`, or {VALUES}")
    data = _content(session, path)
    if repository is None or setting != VALUES:
        return _masked(session, path, data)
    _refuse_cache(repository)
    encrypted = detect_encryption(data, path)
    if encrypted is None:
        return _masked(session, path, data)
    try:
        opened = open_file(make_format(encrypted), data, session.providers, session.limits)
        return Shown(data, opened.text().decode("utf-8", "backslashreplace"), with_values=True)
    except FluxsecretsError as error:
        reason = (
            "none of your identities can decrypt it" if isinstance(error, DataKeyError) else error.message
        )
        found = _masked(session, path, data)
        return Shown(data, f"{found.text or ''}{BLOCK_SIGN}values are not shown: {reason}\n")


def _content(session: Session, path: str) -> bytes:
    # However large: the text says if it is too large. git had the whole of it in memory, too.
    return read_file(session.cwd / Path(path), limit=sys.maxsize, follow_links=True).data


def _masked(session: Session, path: str, data: bytes) -> Shown:
    return Shown(data, masked_text(data, path, session.limits, plain_token(session.environ)))


def _refuse_cache(repository: Repository) -> None:
    """Refuse to hand values out if git keeps what a textconv prints: it would write them into objects.

    Raises:
        UsageError: it does.
    """
    for name, value in read_settings(repository, r"^diff\..*\.cachetextconv$"):
        if value.lower() not in _OFF:
            raise UsageError(
                f"git would keep the values in its object database: {name} is set",
                hint=f"`git config --unset-all {name}`, or `git config {SETTING} {MASKED}`",
            )
