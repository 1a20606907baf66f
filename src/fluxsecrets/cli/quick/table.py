"""The command lines that are read without click: commands, their arguments, and the options that are common.

Options that are missing here, and all other commands, are left to click.
"""

from __future__ import annotations

from types import MappingProxyType

from fluxsecrets.cli.parameter import HIDDEN, PATH, SECRET, SHOWN
from fluxsecrets.namedtuples import NamedTuple

ONE, OPTIONAL, MANY, COMMAND = "one", "optional", "many", "command"
"""How many words an argument takes; COMMAND takes all that follow, which are the words of another program."""

SWITCH, TEXT, NUMBER, TEXTS = "switch", "text", "number", "texts"
"""What an option takes; TEXTS may be given again and again."""


class Argument(NamedTuple):
    """An argument; `role` says what the log does with it."""

    name: str
    role: str
    takes: str = ONE


class Option(NamedTuple):
    """An option.

    Attributes:
        forms: such as `-q` and `--quiet`.
        choices: the texts that it takes; empty for any.
        default: its value if it is not given.
    """

    name: str
    forms: tuple[str, ...]
    takes: str = SWITCH
    role: str = HIDDEN
    choices: tuple[str, ...] = ()
    default: object = None


class Form(NamedTuple):
    """What can be said of a command; the parameters in the order in which click has them.

    Attributes:
        variables: the environment variables that click takes options from.
    """

    arguments: tuple[Argument, ...]
    options: tuple[Option, ...]
    variables: tuple[str, ...] = ()


_FORMATS = ("yaml", "json", "dotenv", "ini", "binary")

_OF_FINDINGS = ("text", "json", "sarif", "junit", "gitlab", "codequality", "github", "markdown")

_INPUT_TYPE = Option("input_type", ("--input-type",), TEXT, choices=_FORMATS)
_FILENAME = Option("filename", ("--filename", "--filename-override"), TEXT, SHOWN)
_DOCUMENT = Option("document", ("--document",), NUMBER)
_REPORT = Option("report", ("--format",), TEXT, choices=("text", "json"), default="text")
_QUIET = Option("quiet", ("-q", "--quiet"), default=False)
_RAW = Option("raw", ("--raw",), default=False)
_ENV = Option("environment", ("--env",), TEXT, SHOWN)
_IN_PLACE = Option("in_place", ("-i", "--in-place"), default=False)
_DRY_RUN = Option("dry_run", ("--dry-run",), default=False)

FORMS = MappingProxyType(
    {
        "decrypt": Form(
            (Argument("paths", PATH, MANY),),
            (
                _IN_PLACE,
                _ENV,
                Option("key", ("--extract",), TEXT, SHOWN),
                Option("output_type", ("--output-type",), TEXT, choices=_FORMATS),
                _FILENAME,
                _INPUT_TYPE,
                _REPORT,
                _QUIET,
            ),
        ),
        "encrypt": Form(
            (Argument("paths", PATH, MANY),),
            (
                _ENV,
                _IN_PLACE,
                Option("check", ("--check",), default=False),
                _DRY_RUN,
                Option("to_stdout", ("--stdout",), default=False),
                _FILENAME,
                _INPUT_TYPE,
                Option("staged", ("--staged",), default=False),
                _REPORT,
                _QUIET,
            ),
            (
                *("SOPS_AGE_RECIPIENTS", "SOPS_PGP_FP", "SOPS_KMS_ARN", "SOPS_GCP_KMS_IDS"),
                *("SOPS_HUAWEICLOUD_KMS_IDS", "SOPS_AZURE_KEYVAULT_URLS", "SOPS_VAULT_URIS"),
            ),
        ),
        "get": Form(
            (Argument("path", PATH), Argument("key", SHOWN)),
            (
                _RAW,
                Option("output_type", ("--output-type",), TEXT, choices=("yaml", "json")),
                _DOCUMENT,
                _FILENAME,
                _INPUT_TYPE,
                _QUIET,
            ),
        ),
        "set": Form(
            (Argument("path", PATH), Argument("key", SHOWN), Argument("value", SECRET, OPTIONAL)),
            (
                Option("from_stdin", ("--stdin",), default=False),
                Option("spec", ("--generate",), TEXT, SHOWN),
                Option("as_json", ("--json",), default=False),
                _RAW,
                Option("plain", ("--plain",), default=False),
                _DOCUMENT,
                _INPUT_TYPE,
                _REPORT,
                _QUIET,
            ),
        ),
        "rotate": Form(
            (Argument("paths", PATH, MANY),),
            (
                _ENV,
                Option("everything", ("--all",), default=False),
                Option("accept_recipients", ("--accept-recipients",), default=False),
                Option("values", ("--values",), default=False),
                _DRY_RUN,
                _INPUT_TYPE,
                _REPORT,
                _QUIET,
            ),
        ),
        "scan": Form(
            (Argument("paths", HIDDEN, MANY),),
            (
                Option("environment", ("--env",), TEXT),
                Option("staged", ("--staged",), default=False),
                Option("commits", ("--range",), TEXT),
                Option("unpushed", ("--unpushed",), default=False),
                Option("history", ("--history",), default=False),
                Option("branches", ("--branch",), TEXTS, default=()),
                Option("since", ("--since",), TEXT),
                Option("until", ("--until",), TEXT),
                Option("partial_history", ("--partial-history",), default=False),
                Option("filename", ("--filename", "--filename-override"), TEXT),
                Option("no_baseline", ("--no-baseline",), default=False),
                Option("update_baseline", ("--update-baseline",), default=False),
                Option("everything", ("--all",), default=False),
                Option("report", ("--format",), TEXT, choices=_OF_FINDINGS, default="text"),
                Option("no_cache", ("--no-cache",), default=False),
                _QUIET,
            ),
        ),
        "status": Form((Argument("paths", PATH, MANY),), (_ENV, _INPUT_TYPE, _REPORT, _QUIET)),
        "exec-env": Form(
            (Argument("file", PATH), Argument("arguments", SECRET, COMMAND)),
            (
                Option("pristine", ("--pristine",), default=False),
                Option("same_process", ("--same-process",), default=False),
                Option("allowed", ("--allow-variable",), TEXTS, default=()),
                Option("shell", ("--shell",), default=False),
                _INPUT_TYPE,
            ),
        ),
    }
)
"""By the command's name."""
