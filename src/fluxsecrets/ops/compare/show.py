"""What git shows of a file: masked, or with its values if the user wants that."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from fluxsecrets.errors import DataKeyError, FluxsecretsError, UsageError
from fluxsecrets.files.reading import read_file
from fluxsecrets.records import dataclass, field
from fluxsecrets.repo.encrypted import detect_encryption
from fluxsecrets.sops.formats import Limits, make_format

from .leanblock import BLOCK_SIGN
from .plainkey import plain_token
from .textconv import masked_text

TYPE_CHECKING = False
if TYPE_CHECKING:  # masked text does without
    from fluxsecrets.ops.run.session import Session
    from fluxsecrets.repo.git import Repository

SETTING = "fluxsecrets.textconv"
VALUES, MASKED = "values", "masked"

_OFF = ("false", "no", "off", "0")  # a name without a value means true


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


def masked(path: Path, limits: Limits, environ: Mapping[str, str]) -> Shown:
    """Return a file with its values masked.

    Raises:
        FileAccessError: it can't be read.
    """
    return _masked(path, _content(path), limits, environ)


def as_configured(session: Session, path: str) -> Shown:
    """Return a file as `git config fluxsecrets.textconv` says: `masked`, or with its `values`.

    A file that your identities can't decrypt, or whose MAC is wrong, is masked.

    Raises:
        UsageError: the setting has another value, or git would put the values into its cache.
        FileAccessError: the file can't be read.
    """
    from fluxsecrets.ops.files.content import open_file
    from fluxsecrets.repo.git import find_repository
    from fluxsecrets.repo.git.config import read_setting

    file = session.cwd / path
    repository = find_repository(session.cwd)
    setting = None if repository is None else read_setting(repository, SETTING)
    if setting not in (None, VALUES, MASKED):
        raise UsageError(f"{SETTING} is {setting!a}", hint=f"`git config {SETTING} {MASKED}`, or {VALUES}")
    data = _content(file)
    if repository is None or setting != VALUES:
        return _masked(file, data, session.limits, session.environ)
    _refuse_cache(repository)
    encrypted = detect_encryption(data, path)
    if encrypted is None:
        return _masked(file, data, session.limits, session.environ)
    try:
        opened = open_file(make_format(encrypted), data, session.providers, session.limits)
        return Shown(data, opened.text().decode("utf-8", "backslashreplace"), with_values=True)
    except FluxsecretsError as error:
        reason = error.message
        if isinstance(error, DataKeyError) and not error.undecided:
            reason = "none of your identities can decrypt it"
        found = _masked(file, data, session.limits, session.environ)
        return Shown(data, f"{found.text or ''}{BLOCK_SIGN}values are not shown: {reason}\n")


def _content(path: Path) -> bytes:
    # However large: the text says if it is too large. git had the whole of it in memory, too.
    return read_file(path, limit=sys.maxsize, follow_links=True).data


def _masked(path: Path, data: bytes, limits: Limits, environ: Mapping[str, str]) -> Shown:
    return Shown(data, masked_text(data, path.name, limits, plain_token(environ)))


def _refuse_cache(repository: Repository) -> None:
    """Refuse to hand values out if git keeps what a textconv prints: it would write them into objects.

    Raises:
        UsageError: it does.
    """
    from fluxsecrets.repo.git.config import read_settings

    for name, value in read_settings(repository, r"^diff\..*\.cachetextconv$"):
        if value.lower() not in _OFF:
            raise UsageError(
                f"git would keep the values in its object database: {name} is set",
                hint=f"`git config --unset-all {name}`, or `git config {SETTING} {MASKED}`",
            )
