"""What the textconv shows of a file, and whether the user may want to see values; imports next to nothing."""

from __future__ import annotations

import os
import sys

from fluxsecrets.ops.compare.lean import MOST

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fluxsecrets.ops.compare.show import Shown

_SIGNS = (b"fluxsecrets", b"textconv", b"values")


def show_masked(path: str) -> None:
    """Show a file masked, whatever its form.

    Raises:
        FileAccessError: it can't be read.
    """
    from pathlib import Path

    from fluxsecrets.ops.compare.show import masked
    from fluxsecrets.sops.formats import Limits

    show(masked(Path.cwd() / path, Limits(), os.environ))


def show(shown: Shown) -> None:
    """Write what is shown of a file; text in a form in which it does nothing to a terminal."""
    from fluxsecrets.marks import without_private_keys
    from fluxsecrets.report.text import printable_lines

    data = shown.data
    if shown.text is not None:
        text = shown.text if shown.with_values else without_private_keys(shown.text)
        data = printable_lines(text).encode("utf-8", "replace")
    sys.stdout.flush()
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def may_want_values(environ: os._Environ[str]) -> bool:
    """Whether git may have to be asked for `fluxsecrets.textconv`.

    Only the files that it is usually in are looked at: values are shown only if one of these has it.
    """
    given = " ".join(text for name, text in environ.items() if name.startswith("GIT_CONFIG"))
    if _mentions(given.lower().encode("utf-8", "surrogateescape")):
        return True
    home = environ.get("HOME") or environ.get("USERPROFILE") or ""
    folder = environ.get("XDG_CONFIG_HOME") or f"{home}/.config"
    named = environ.get("GIT_CONFIG_GLOBAL")
    users = [named] if named is not None else [f"{home}/.gitconfig", f"{folder}/git/config"]
    return any(map(_mentions_values, (*users, f"{_common_folder(environ)}/config")))


def _mentions_values(path: str) -> bool:
    try:
        with open(path, "rb") as stream:  # noqa: PTH123
            text = stream.read(MOST).lower()
    except (OSError, ValueError):
        return False
    return _mentions(text)


def _mentions(text: bytes) -> bool:
    return all(sign in text for sign in _SIGNS)


def _common_folder(environ: os._Environ[str]) -> str:
    """The folder with the repository's configuration: git starts a textconv at the top of the work tree."""
    folder = environ.get("GIT_DIR") or ".git"
    try:
        if folder == ".git" and not os.path.isdir(folder):  # noqa: PTH112
            if not os.path.isfile(folder):  # noqa: PTH113 - a bare repository
                return "."
            with open(folder, encoding="utf-8") as stream:  # noqa: PTH123
                folder = stream.read().removeprefix("gitdir:").strip()
        with open(f"{folder}/commondir", encoding="utf-8") as stream:  # noqa: PTH123
            return os.path.join(folder, stream.read().strip())  # noqa: PTH118
    except (OSError, ValueError):
        return folder
