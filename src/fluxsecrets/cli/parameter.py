"""A parameter of a command, as it was given; and what the log does with it."""

from __future__ import annotations

from fluxsecrets.namedtuples import NamedTuple

PATH, SHOWN, SECRET, HIDDEN = "path", "shown", "secret", "hidden"
"""The roles: a file that the command is about; a value that the log shows; a secret, or a command with one in
it, where a private key is allowed; and all others, whose values stay out of the log."""


class Parameter(NamedTuple):
    """A parameter; `role` is PATH, SHOWN, SECRET or HIDDEN."""

    name: str
    role: str
    value: object
