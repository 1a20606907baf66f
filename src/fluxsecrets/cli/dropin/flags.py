"""Every flag of sops, said once; commands name those that they take.

Names, short forms and variables are those of sops 3.13.2 (cmd/sops/main.go).
"""

from __future__ import annotations

from enum import Enum, auto

from fluxsecrets.records import dataclass, replace
from fluxsecrets.sops.recipients import KINDS


class Kind(Enum):
    """What a flag takes."""

    SWITCH = auto()
    SWITCHED_ON = auto()
    TEXT = auto()
    NUMBER = auto()
    LIST = auto()


@dataclass(frozen=True, slots=True)
class Flag:
    """One flag, by its long form without dashes."""

    name: str
    help: str
    kind: Kind = Kind.TEXT
    short: str | None = None
    variable: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Its forms."""
        return (self.name,) if self.short is None else (self.name, self.short)

    @property
    def switch(self) -> bool:
        """Whether it stands alone, without a value."""
        return self.kind in (Kind.SWITCH, Kind.SWITCHED_ON)


RECIPIENT_FLAGS = {each.option: kind for kind, each in KINDS.items()}
"""Flags that name recipients -> the kind of recipient."""

SELECTOR_FLAGS = {
    "unencrypted-suffix": "unencrypted_suffix",
    "encrypted-suffix": "encrypted_suffix",
    "unencrypted-regex": "unencrypted_regex",
    "encrypted-regex": "encrypted_regex",
    "unencrypted-comment-regex": "unencrypted_comment_regex",
    "encrypted-comment-regex": "encrypted_comment_regex",
}
"""Flags that say what is encrypted -> the field in a rule."""

_ALL = (
    Flag("decrypt", "decrypt a file to standard output", Kind.SWITCH, "d"),
    Flag("encrypt", "encrypt a file to standard output", Kind.SWITCH, "e"),
    Flag("rotate", "give a file a new data key", Kind.SWITCH, "r"),
    Flag("set", 'set one value: --set \'["key"] "value as JSON"\''),
    Flag("in-place", "write to the file instead of standard output", Kind.SWITCH, "i"),
    Flag("output", "write to this file instead of standard output"),
    Flag("extract", "only this value, such as '[\"data\"][0]'"),
    Flag("input-type", "format of the input: yaml, json, dotenv, ini or binary"),
    Flag("output-type", "format of the output: yaml, json, dotenv, ini or binary"),
    Flag("filename-override", "take this name for rules and formats"),
    Flag("ignore-mac", "go on where the MAC does not match", Kind.SWITCH),
    Flag("mac-only-encrypted", "make the MAC of encrypted values only", Kind.SWITCH),
    *(Flag(name, "says what is encrypted; one of six, see the documentation") for name in SELECTOR_FLAGS),
    *(
        Flag(each.option, f"{each.what}, separated by commas", short=each.letter, variable=each.variable)
        for each in KINDS.values()
    ),
    *(Flag(f"add-{each.option}", f"add {each.what}") for each in KINDS.values()),
    *(Flag(f"rm-{each.option}", f"remove {each.what}") for each in KINDS.values()),
    Flag("aws-profile", "AWS profile, kept in the file"),
    Flag("encryption-context", "KMS encryption context, as key:value,key:value"),
    Flag("shamir-secret-sharing-threshold", "how many key groups open the file", Kind.NUMBER),
    Flag("decryption-order", "kinds of keys to try first", variable="SOPS_DECRYPTION_ORDER"),
    Flag("show-master-keys", "not carried: edit shows values only", Kind.SWITCH, "s"),
    Flag("idempotent", "change nothing where nothing is to change", Kind.SWITCH),
    Flag("value-file", "the value argument is the name of a file", Kind.SWITCH),
    Flag("value-stdin", "read the value from standard input", Kind.SWITCH),
    Flag("yes", "do not ask", Kind.SWITCH, "y"),
    Flag("omit-extensions", "publish names without their extensions", Kind.SWITCH),
    Flag("recursive", "publish all files of a folder", Kind.SWITCH),
    Flag("file", "the file to change", short="f"),
    Flag("background", "not carried: the command is waited for", Kind.SWITCH),
    Flag("pristine", "give the command the values alone", Kind.SWITCH),
    Flag("same-process", "replace this process by the command", Kind.SWITCH),
    Flag("user", "run the command as this user"),
    Flag("no-fifo", "a temporary file instead of a named pipe", Kind.SWITCH),
    Flag("filename", "name of the temporary file"),
    Flag("config", "the .sops.yaml to use", variable="SOPS_CONFIG"),
    Flag("indent", "indentation of YAML and JSON that is written anew", Kind.NUMBER),
    Flag("verbose", "taken, and without effect", Kind.SWITCH),
    Flag(
        "disable-version-check",
        "say the version and nothing else",
        Kind.SWITCH,
        variable="SOPS_DISABLE_VERSION_CHECK",
    ),
    Flag("check-for-updates", "not carried: nothing is looked up in the network", Kind.SWITCH),
    Flag(
        "enable-local-keyservice",
        "false: only key services wrap and open data keys",
        Kind.SWITCHED_ON,
        variable="SOPS_ENABLE_LOCAL_KEYSERVICE",
    ),
    Flag(
        "keyservice",
        "ask this key service for what can't be done here: tcp://HOST:PORT or unix:///PATH",
        Kind.LIST,
        variable="SOPS_KEYSERVICE",
    ),
    Flag("network", "tcp (default) or unix", short="net"),
    Flag("address", "HOST:PORT, or the path of the socket (default: 127.0.0.1:5000)", short="addr"),
    Flag("prompt", "ask before each request is answered", Kind.SWITCH),
    Flag("help", "show this", Kind.SWITCH, "h"),
    Flag("version", "show the version", Kind.SWITCH, "v"),
)

FLAGS = {flag.name: flag for flag in _ALL}
"""By name."""

KEYSERVICE = ("enable-local-keyservice", "keyservice")
WRITING = ("in-place", "output")
FORMATS = ("input-type", "output-type")
KEYS = (*RECIPIENT_FLAGS, "aws-profile", "encryption-context", "shamir-secret-sharing-threshold")
SELECTORS = tuple(name for name in SELECTOR_FLAGS if "comment" not in name)
ADDING = tuple(f"add-{name}" for name in RECIPIENT_FLAGS)
REMOVING = tuple(f"rm-{name}" for name in RECIPIENT_FLAGS)


def flags(*names: str) -> tuple[Flag, ...]:
    """The flags of these names, and --help."""
    return tuple(FLAGS[name] for name in (*names, "help"))


def repeated(name: str) -> Flag:
    """A flag for recipients as `groups add` takes it: again and again, and from no variable."""
    return replace(FLAGS[name], kind=Kind.LIST, short=None, variable=None)
