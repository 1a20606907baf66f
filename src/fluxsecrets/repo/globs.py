"""Globs for files of the repository, as `.fluxsecrets.yaml` and `.sourceignore` have them.

They come with the repository, so they are matched by RE2, in time that is linear in the path's length.
"""

from __future__ import annotations

import re

from fluxsecrets.errors import ConfigError
from fluxsecrets.sops.selectors import Regex, RegexError, compile_regex

_MAX_LENGTH = 4096
"""Characters of one glob; a path has no more."""


class Glob:
    """A compiled glob; `compile_glob` makes it."""

    __slots__ = ("_regex",)

    def __init__(self, regex: Regex) -> None:
        self._regex = regex

    def matches(self, path: str) -> bool:
        """Whether the glob matches a whole path, relative to the root with `/`."""
        return self._regex.search(path)


def whole(body: str, glob: str) -> Glob:
    """A regular expression for whole paths, compiled.

    Raises:
        ConfigError: the glob is not valid, or too long.
    """
    if len(glob) > _MAX_LENGTH:
        raise ConfigError(f"the glob {glob[:60]!a}… has more than {_MAX_LENGTH} characters")
    try:
        return Glob(compile_regex(rf"(?s)\A(?:{body})\z"))
    except RegexError as error:
        raise ConfigError(f"the glob {glob[:60]!a} is not valid: {error}") from None


def compile_glob(pattern: str) -> Glob:
    """A glob for whole paths.

    `*` stops at `/`, `**` does not; one without `/` means the name in any folder.

    Raises:
        ConfigError: it is empty, too long, or leads out of the repository.
    """
    text = pattern.strip().removeprefix("./").removeprefix("/")
    if not text or ".." in text.split("/"):
        raise ConfigError(f"{pattern!a} is not a glob for files in the repository", hint="try `talos/*.yaml`")
    if text.endswith("/"):
        text += "**"
    anchored = "/" in pattern.strip().removeprefix("./")
    tokens = re.findall(r"\*\*/|\*\*|\*|\?|.", text, re.DOTALL)
    body = "".join(_GLOB.get(token) or re.escape(token) for token in tokens)
    return whole(body if anchored else f"(?:.*/)?{body}", pattern)


_GLOB = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
