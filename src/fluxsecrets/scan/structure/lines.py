"""env-file and config-value: files of lines, `NAME=value`, and those of sops among them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from fluxsecrets.findings import Confidence, RuleInfo, Severity
from fluxsecrets.marks import is_ciphertext
from fluxsecrets.namedtuples import NamedTuple
from fluxsecrets.scan.assignments import Assignment, Surroundings, assignments, is_secret
from fluxsecrets.scan.blob import Blob
from fluxsecrets.scan.everyday import is_everyday, names_object
from fluxsecrets.scan.match import Match, Rank
from fluxsecrets.scan.names import Telling, telling
from fluxsecrets.scan.othercipher import is_for_renovate
from fluxsecrets.scan.values import may_be_password, may_be_token

from .comments import commented, in_comment, is_commented_secret
from .page import AGAIN_HINT, ENCRYPT_HINT
from .sops import PLAIN, selector_in

if TYPE_CHECKING:
    from fluxsecrets.sops.selectors import Selector

ENV_FILE = RuleInfo(
    id="env-file",
    title="secret in an environment file",
    severity=Severity.HIGH,
    explanation="A file of environment variables has a password, token or key in plain text.",
    fix="Encrypt the file with `fluxsecrets encrypt`; `fluxsecrets exec-env FILE -- COMMAND` runs a command "
    "with its values.",
    docs="scan.md#env-file",
)
CONFIG = RuleInfo(
    id="config-value",
    title="secret in a configuration file",
    severity=Severity.HIGH,
    explanation="A configuration file (INI, properties, TOML, tfvars) has a secret in plain text.",
    fix="Encrypt the file with `fluxsecrets encrypt`, or take the value from the environment.",
    docs="scan.md#config-value",
)
CODE = RuleInfo(
    id="assigned-secret",
    title="secret in code or text",
    severity=Severity.MEDIUM,
    explanation="A name that says password, token or key is given a value that looks like one.",
    fix="Take the value from the environment or from a file that is encrypted, and change it.",
    docs="scan.md#assigned-secret",
)

_ENV_LINE = r"""(?mx)^[ \t]*(?:export[ \t]+|set[ \t]+)?(?P<name>[A-Za-z_][A-Za-z0-9_.-]*)[ \t]*=[ \t]*
    (?:"(?P<double>(?:[^"\\]|\\.)*)"|'(?P<single>[^']*)'|(?P<bare>[^\r\n]*))"""
_INI_LINE = r"""(?mx)^[ \t]*(?P<name>[A-Za-z_][A-Za-z0-9_.\- ]*?)[ \t]*[=:][ \t]*
    (?:"(?P<double>(?:[^"\\\n]|\\.)*)"|'(?P<single>[^'\n]*)'|(?P<bare>[^\r\n]*))"""
_SECTION = r"(?m)^[ \t]*\[(?P<name>[^\]\r\n]*)\]"

_CONFIG_SUFFIXES = (
    ".ini",
    ".cfg",
    ".conf",
    ".cnf",
    ".properties",
    ".toml",
    ".tfvars",
    ".credentials",
    ".inf",
    ".nmconnection",
    ".ldif",
    ".netdev",
    ".network",
    ".wgetrc",
    ".muttrc",
    ".smbcredentials",
)
_SCRIPT_SUFFIXES = (
    *(
        ".sh",
        ".bash",
        ".zsh",
        ".ksh",
        ".fish",
        ".bat",
        ".cmd",
        ".mk",
        ".make",
        ".dockerfile",
        ".containerfile",
    ),
    *(".service", ".timer", ".socket", ".mount", ".container", ".pod", ".bats", ".profile", ".exp"),
)
_SCRIPT_NAMES = (
    "dockerfile",
    "containerfile",
    "makefile",
    "gnumakefile",
    "justfile",
    "jenkinsfile.sh",
    ".bashrc",
)
_SHEBANG = rb"#![ \t]*(?:\S*/)?(?:env[ \t]+(?:-S[ \t]+)?)?(?:(?:ba|z|k|da|a|fi)?sh|make|expect|just)\b"
_DECLARATIONS = (
    *(".tf", ".hcl", ".nomad", ".tofu", ".xml", ".config", ".csproj", ".pubxml", ".plist", ".xaml"),
    *(".ps1", ".psm1", ".nix", ".jsonnet", ".libsonnet", ".cue", ".json5", ".gradle", ".groovy", ".pp"),
)
_CONFIG_NAMES = frozenset(
    {"inventory", "hosts", "credentials", "config", ".s3cfg", ".boto", ".my.cnf", ".condarc"}
)
_STYLES = (".css", ".scss", ".sass", ".less")
"""`.token:hover` is not an assignment."""


class Line(NamedTuple):
    """A name with its value in a file of lines."""

    name: str
    text: str
    start: int
    end: int

    def __repr__(self) -> str:
        """Without the value."""
        return f"Line({self.name!r}, {self.start}, {self.end})"


def is_env_file(path: str) -> bool:
    """Whether a name says that the file holds environment variables."""
    name = path.rpartition("/")[2].lower()
    return name.endswith(".env") or name.startswith(".env.") or name in ("env", ".envrc", "dotenv")


def is_config_file(path: str) -> bool:
    """Whether a name says that the file is a configuration file of lines."""
    name = path.rpartition("/")[2].lower()
    return name.endswith(_CONFIG_SUFFIXES) or name in _CONFIG_NAMES


def env_lines(text: str) -> Iterator[Line]:
    """The variables of an environment file."""
    return _lines(_ENV_LINE, text, comment=" #")


def ini_lines(text: str) -> Iterator[Line]:
    """The values of an INI file, properties, or TOML."""
    return _lines(_INI_LINE, text, comment=None)


def _lines(pattern: str, text: str, comment: str | None) -> Iterator[Line]:
    for match in re.finditer(pattern, text):
        group = next(name for name in ("double", "single", "bare") if match[name] is not None)
        value, start, end = match[group], *match.span(group)
        if group == "bare":
            if comment is not None:
                value = value.partition(comment)[0]
            value = value.rstrip()
            end = start + len(value)
        if value:
            yield Line(match["name"], value, start, end)


def judge(blob: Blob) -> Iterator[Match]:
    """The telling values of a file that is not a manifest."""
    text = blob.text
    if is_env_file(blob.path):
        yield from _told(blob, ENV_FILE, env_lines(text))
        yield from _in_comments(blob)
    elif is_config_file(blob.path):
        yield from _told(blob, CONFIG, ini_lines(text))
        yield from judge_text(blob, CONFIG, Surroundings.CONFIGURATION)
    else:
        found = judge_text(blob, CODE, _surroundings(blob))
        styles = blob.path.lower().endswith(_STYLES)
        yield from (match for match in found if not styles or _is_quoted(blob, match))


def _is_quoted(blob: Blob, match: Match) -> bool:
    return blob.text[match.start - 1 : match.start] in ("'", '"')


def _surroundings(blob: Blob) -> Surroundings:
    """What a file that is not configuration promises."""
    name = blob.path.rpartition("/")[2].lower()
    if name.endswith(_SCRIPT_SUFFIXES) or name.startswith(_SCRIPT_NAMES) or re.match(_SHEBANG, blob.data):
        return Surroundings.SCRIPT
    return Surroundings.DECLARATION if name.endswith(_DECLARATIONS) else Surroundings.CODE


def _told(blob: Blob, rule: RuleInfo, lines: Iterator[Line]) -> Iterator[Match]:
    for line in lines:
        says = telling(line.name)
        if says is Telling.NOTHING or is_ciphertext(line.text) or is_everyday(blob.path, line.text):
            continue
        if names_object(line.name, line.text):
            continue
        if may_be_password(line.text) if says is Telling.SURELY else may_be_token(line.text):
            confidence = Confidence.HIGH if says is Telling.SURELY else Confidence.MEDIUM
            yield _match(rule, line, f"{line.name} is in plain text", ENCRYPT_HINT, confidence)


def _in_comments(blob: Blob) -> Iterator[Match]:
    for found in assignments(blob.data) if b"#" in blob.data else ():
        if in_comment(blob.data, found.start) and is_commented_secret(blob.data, found):
            yield commented(blob, found)


def judge_text(blob: Blob, rule: RuleInfo, surroundings: Surroundings) -> Iterator[Match]:
    """Assignments in any text."""
    hint = "take it from the environment, or from a file that is encrypted, and change the value"
    for found in assignments(blob.data):
        if surroundings is Surroundings.CONFIGURATION and in_comment(blob.data, found.start):
            if is_commented_secret(blob.data, found):
                yield commented(blob, found)
        elif is_secret(found, surroundings) and not (
            is_everyday(blob.path, found.value)
            or is_for_renovate(blob.data, found.start, found.value)
            or _says_nothing(blob.data, found, surroundings)
        ):
            line = Line(found.name, found.value, blob.offset(found.start), blob.offset(found.end))
            sure = telling(found.name) is Telling.SURELY
            yield _match(
                rule,
                line,
                f"{found.name} is in plain text",
                hint,
                Confidence.MEDIUM if sure else Confidence.LOW,
                rank=Rank.TEXT,
            )


_CHOICE = rb"\?\s*[\w.]+\s*:\s*\Z"
_BADGE = rb"https?://(?:codecov\.io|sonar[\w.-]*)/[^\s\"'<>()]*badge[^\s\"'<>()]*[?&]token=\Z"
_BEFORE = 300
"""Bytes before a value that tell what it is."""


def _says_nothing(data: bytes, found: Assignment, surroundings: Surroundings) -> bool:
    """Whether an assignment is none (`ok ? pass : fail`), or has what opens a badge and nothing else."""
    if surroundings is not Surroundings.CODE or found.quoted:
        return False
    before = data[max(0, found.start - _BEFORE) : found.start]
    return re.search(_CHOICE, before) is not None or re.search(_BADGE, before) is not None


def judge_sops(blob: Blob) -> Iterator[Match]:
    """Values of an encrypted dotenv or INI file that are plain against its selector."""
    ini = re.search(_SECTION, blob.text) is not None and "[sops]" in blob.text
    lines = list(ini_lines(blob.text) if ini else env_lines(blob.text))
    sections = [(match.start(), match["name"]) for match in re.finditer(_SECTION, blob.text)] if ini else []
    selector = _selector(lines, sections)
    for line in lines:
        section = next((name for at, name in reversed(sections) if at < line.start), "")
        if section == "sops" or (not ini and line.name.startswith("sops_")):
            continue
        names = (section, line.name) if ini else (line.name,)
        if not is_ciphertext(line.text) and (selector is None or selector.encrypts(names)):
            message = f"{line.name} is in plain text in an encrypted file"
            yield _match(PLAIN, line, message, AGAIN_HINT, Confidence.HIGH)
    yield from _in_comments(blob)


def _selector(lines: list[Line], sections: list[tuple[int, str]]) -> Selector | None:
    start = next((at for at, name in sections if name == "sops"), -1)
    prefix = "" if sections else "sops_"
    fields = {
        line.name.removeprefix(prefix): line.text
        for line in lines
        if (line.start > start if sections else line.name.startswith(prefix))
    }
    return selector_in(lambda name: fields.get(name, ""))


def _match(
    rule: RuleInfo, line: Line, message: str, hint: str, confidence: Confidence, rank: Rank = Rank.PLACE
) -> Match:
    return Match(
        rule,
        rank,
        line.start,
        line.end,
        message,
        hint,
        name=line.name,
        parts=(line.name,),
        confidence=confidence,
    )
