"""Modules that the agent loads although no run on its sample needs them.

A command imports them for a kind of key, for an unusual option, for a whole repository, or for an error. In
the agent they would be imported anew by each process that answers.
"""

from __future__ import annotations

from importlib import import_module

from fluxsecrets.files.hashing import sha1

_COMMANDS = ("cli.app", "cli.decrypt", "cli.values", "cli.status", "cli.textconv")
_KEYS = ("agessh", "gpg", "pgpmessage", "postquantum", "sshkeys")
_REPOSITORY = (
    *("cli.progress", "files.beside", "ops.run.parallel", "ops.run.waiting", "report.errors", "report.json"),
    *("files.removal", "ops.hooks.state", "ops.run.people", "repo.discover", "repo.environments"),
    *("repo.git.running", "repo.plainyaml", "repo.settings", "sops.betweenkeys", "sops.config"),
    "sops.shamir",
)
_OF_OTHERS = (
    *("calendar", "difflib", "encodings.utf_8_sig", "heapq", "mmap", "re2", "shlex", "unicodedata"),
    "cryptography.hazmat.backends.openssl.backend",
    "cryptography.hazmat.primitives.serialization.ssh",
)


def preload() -> None:
    """Import them all."""
    for name in (*_COMMANDS, *(f"keys.{name}" for name in _KEYS), *_REPOSITORY):
        import_module(f"fluxsecrets.{name}")
    for name in _OF_OTHERS:
        import_module(name)
    sha1(b"")  # git's ids: it is in a module of its own, or in hashlib
