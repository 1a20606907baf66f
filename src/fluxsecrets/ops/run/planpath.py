"""Paths of a journal's plan, which somebody else may have written: plain relative ones, and nothing else.

A path that could leave the plan's folder or enter git's is refused, by the rules of the operating system.
"""

from __future__ import annotations

import os
import stat
import unicodedata
from pathlib import Path

from fluxsecrets.errors import FileAccessError
from fluxsecrets.records import dataclass

_DEVICES = {"CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"} | {
    f"{name}{digit}" for name in ("COM", "LPT") for digit in "0123456789¹²³"
}
_NOT_ON_WINDOWS = frozenset('<>:"|?*\\')
_JUNCTION = 0xA0000003  # a folder elsewhere, on Windows: IO_REPARSE_TAG_MOUNT_POINT
_NOT_BELOW = "not a path below the root"
_GIT_NAMES = frozenset({".git", "git~1"})


@dataclass(frozen=True, slots=True)
class PlanPath:
    """A file or folder below a plan's root; made by `parse` alone.

    Attributes:
        parts: its names, from the outermost on.
    """

    parts: tuple[str, ...]

    @classmethod
    def parse(cls, text: object, *, windows: bool = os.name == "nt") -> PlanPath:
        """Read a path relative to the root, with `/`.

        Raises:
            ValueError: it is something else, or leads out of the root or into git's folder.
        """
        if not isinstance(text, str) or not text or "\0" in text:
            raise ValueError(_NOT_BELOW)
        parts = tuple(text.split("/"))
        if not all(_is_plain(part, windows=windows) for part in parts):
            raise ValueError(_NOT_BELOW)
        return cls(parts)

    def __str__(self) -> str:
        """With `/`, as it was read."""
        return "/".join(self.parts)

    def below(self, root: Path) -> Path:
        """The path on disk.

        Raises:
            FileAccessError: it, or a folder above it, is a link: it would be another file.
        """
        path = str(root)
        for part in self.parts:
            path = os.path.join(path, part)  # noqa: PTH118 - thousands of files come by here, several times
            try:
                status = os.lstat(path)
            except (FileNotFoundError, NotADirectoryError):
                continue
            except (OSError, ValueError) as error:
                reason = (getattr(error, "strerror", None) or "the name is not valid").lower()
                raise FileAccessError(f"cannot be looked at: {reason}", path=path) from None
            if stat.S_ISLNK(status.st_mode) or getattr(status, "st_reparse_tag", None) == _JUNCTION:
                raise FileAccessError("is a link, and the operation was about a file or folder", path=path)
        return Path(path)


def _is_plain(part: str, *, windows: bool) -> bool:
    if part in ("", ".", ".."):
        return False
    # As git judges names: case, what Windows drops at the end, and what macOS ignores make no difference.
    shown = part if part.isascii() else "".join(one for one in part if unicodedata.category(one) != "Cf")
    if shown.casefold().split(":")[0].rstrip(" .") in _GIT_NAMES:
        return False
    if not windows:
        return True
    stem = part.partition(".")[0].rstrip(" ").upper()
    return (
        not _NOT_ON_WINDOWS & set(part) and min(part) >= " " and part[-1] not in " ." and stem not in _DEVICES
    )
