"""Globs for files of the repository, as `.fluxsecrets.yaml` has them."""

from __future__ import annotations

import re

from fluxsecrets.errors import ConfigError


def compile_glob(pattern: str) -> re.Pattern[str]:
    """A glob as a regular expression for whole paths.

    `*` stops at `/`, `**` does not; one without `/` means the name in any folder.

    Raises:
        ConfigError: it is empty, or leads out of the repository.
    """
    text = pattern.strip().removeprefix("./").removeprefix("/")
    if not text or ".." in text.split("/"):
        raise ConfigError(f"{pattern!a} is no glob for files in the repository", hint="try `talos/*.yaml`")
    if text.endswith("/"):
        text += "**"
    anchored = "/" in pattern.strip().removeprefix("./")
    tokens = re.findall(r"\*\*/|\*\*|\*|\?|.", text, re.DOTALL)
    body = "".join(_GLOB.get(token) or re.escape(token) for token in tokens)
    return re.compile(body if anchored else f"(?:.*/)?{body}", re.DOTALL)


_GLOB = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
