"""What destinations for objects share: the names that a bucket takes, and the largest object."""

from __future__ import annotations

from fluxsecrets.errors import ConfigError

LARGEST = 64 * 2**20
"""Bytes; a larger object is not one that was published, and is not read."""

_LONGEST = 1024
"""Bytes of the longest name; S3 and Google Cloud Storage have the same limit."""


def check_object_name(name: str) -> None:
    """Refuse what can't be the name of an object, or is one that tools take for a folder or a path upwards.

    Raises:
        ConfigError: too long, control characters, or a step of the path that leads elsewhere.
    """
    try:
        size = len(name.encode())
    except UnicodeEncodeError:
        size = _LONGEST + 1
    if size > _LONGEST:
        raise ConfigError(
            "the name would be too long, or is not UTF-8", hint="shorten the prefix or the path"
        )
    if not name.isprintable():
        raise ConfigError("the name would have control characters", hint="rename the file")
    if not name or name.endswith("/") or any(step in (".", "..") for step in name.split("/")):
        raise ConfigError(
            "the name would not be that of an object", hint="check the prefix, and rename the file"
        )
