"""The table of subcommands."""

from __future__ import annotations

from fluxsecrets.cli.dropin.flags import (
    ADDING,
    FLAGS,
    FORMATS,
    KEYS,
    KEYSERVICE,
    RECIPIENT_FLAGS,
    REMOVING,
    SELECTORS,
    WRITING,
    Flag,
    flags,
    repeated,
)
from fluxsecrets.records import dataclass, replace


@dataclass(frozen=True, slots=True)
class Command:
    """One subcommand.

    Attributes:
        run: `module:function` in this package; the module is imported with the first use.
        parent: flags are not read, the next word is the name of a subcommand of its own.
    """

    arguments: str
    help: str
    run: str
    flags: tuple[Flag, ...] = ()
    parent: bool = False


_ORDER = ("decryption-order",)
_CHANGING = (*FORMATS, "ignore-mac", "shamir-secret-sharing-threshold", "idempotent", *_ORDER, *KEYSERVICE)

COMMANDS = {
    "decrypt": Command(
        "[FILE]",
        "decrypt a file, or standard input",
        "decrypt:run",
        flags(*WRITING, "extract", *FORMATS, "ignore-mac", "filename-override", *_ORDER, *KEYSERVICE),
    ),
    "encrypt": Command(
        "[FILE]",
        "encrypt a file, or standard input",
        "encrypt:run",
        flags(*WRITING, *KEYS, *FORMATS, *SELECTORS, "filename-override", *KEYSERVICE),
    ),
    "edit": Command(
        "FILE",
        "edit an encrypted file, or make a new one",
        "edit:run",
        flags(*KEYS, *FORMATS, *SELECTORS, "show-master-keys", "ignore-mac", *_ORDER, *KEYSERVICE),
    ),
    "rotate": Command(
        "FILE",
        "give a file a new data key",
        "rotate:run",
        flags(
            *WRITING,
            *FORMATS,
            "encryption-context",
            *ADDING,
            *REMOVING,
            "filename-override",
            *_ORDER,
            *KEYSERVICE,
        ),
    ),
    "set": Command(
        "FILE INDEX [VALUE]",
        "set one value, given as JSON",
        "change:run_set",
        flags("value-file", "value-stdin", *_CHANGING),
    ),
    "unset": Command("FILE INDEX", "remove one value", "change:run_unset", flags(*_CHANGING)),
    "exec-env": Command(
        "FILE COMMAND",
        "run a command with the values in its environment",
        "execute:run_env",
        flags("background", "pristine", "user", "same-process", *_ORDER, *KEYSERVICE),
    ),
    "exec-file": Command(
        "FILE COMMAND",
        "run a command that reads the decrypted file",
        "execute:run_file",
        flags("background", "no-fifo", "user", *FORMATS, "filename", *_ORDER, *KEYSERVICE),
    ),
    "updatekeys": Command(
        "FILE...",
        "bring the recipients of files in line with .sops.yaml",
        "updatekeys:run",
        flags("yes", "input-type", *KEYSERVICE),
    ),
    "filestatus": Command("FILE", "say whether a file is encrypted", "filestatus:run", flags("input-type")),
    "groups": Command("add|delete", "change the key groups of a file", "groups:run", parent=True),
    "publish": Command(
        "FILE",
        "upload an encrypted file, or a folder of them, to a configured destination",
        "publish:run",
        flags("yes", "omit-extensions", "recursive", "verbose", *_ORDER, *KEYSERVICE),
    ),
    "keyservice": Command(
        "",
        "wrap and open data keys for others, with the keys of this machine",
        "keyservice:run",
        (
            *flags("network", "address", "prompt"),
            replace(FLAGS["verbose"], help="write a line per request: the call, the key, the outcome"),
        ),
    ),
    "completion": Command("bash|zsh", "not carried", "missing:completion", parent=True),
}
"""By name, in the order in which --help lists them."""

_GROUPS = ("file", "in-place", "shamir-secret-sharing-threshold", *KEYSERVICE)

GROUPS = {
    "add": Command(
        "",
        "add a key group",
        "groups:add",
        (
            *flags(*_GROUPS, "aws-profile", "encryption-context"),
            *(repeated(name) for name in RECIPIENT_FLAGS),
        ),
    ),
    "delete": Command("INDEX", "remove a key group, which counts from 0", "groups:delete", flags(*_GROUPS)),
}
"""The subcommands of `groups`."""

_ONLY_COMMANDS = ("idempotent", "value-file", "value-stdin", "yes", "file", "background", "pristine")
_ONLY_PUBLISH = ("omit-extensions", "recursive")
_ONLY_EXEC = ("same-process", "user", "no-fifo", "filename")
_ONLY_KEYSERVICE = ("network", "address", "prompt")
_ONLY = (*_ONLY_COMMANDS, *_ONLY_EXEC, *_ONLY_PUBLISH, *_ONLY_KEYSERVICE)
APP_FLAGS = tuple(flag for name, flag in FLAGS.items() if name not in _ONLY)
"""The flags before a subcommand, and those of a command line without one."""
