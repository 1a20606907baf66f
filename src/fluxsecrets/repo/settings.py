"""`.fluxsecrets.yaml`: what has no place in `.sops.yaml`. It is optional, and strict where it is there.

An unknown key is an error rather than passed over: a misspelled `secrets:` would leave files in plain text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import date
from pathlib import Path

from fluxsecrets.errors import ConfigError, FileAccessError
from fluxsecrets.files.reading import read_file
from fluxsecrets.marks import SETTINGS_NAME
from fluxsecrets.namedtuples import NamedTuple
from fluxsecrets.records import dataclass, field
from fluxsecrets.sops.excerpts import quoting
from fluxsecrets.sops.placed_yaml import (
    MAX_BYTES,
    FieldReader,
    Fields,
    Node,
    ScalarNode,
    compose,
    is_set,
    keys_outside,
    kind_of,
)

from .globs import compile_glob
from .tree import Tree, normalise

TYPE_CHECKING = False
if TYPE_CHECKING:  # most repositories have none of these sections
    from .presentsettings import Present
    from .scansettings import ScanSettings
    from .verifysettings import VerifySettings

SEVERITIES = ("low", "medium", "high", "critical")


class GivenVersion(NamedTuple):
    """A version of Flux, such as `2.8`, and the 1-based line where it is written."""

    text: str
    line: int


@dataclass(frozen=True, slots=True)
class EnvironmentSettings:
    """One entry of `environments`.

    Attributes:
        name: what `--env` takes.
        line: 1-based line of the name.
        path: its root folder with `/`, `""` for the repository's own; None where it is found by itself.
        files: globs of more files that belong to it.
        sealing_certificates: paths of the certificates that its SealedSecrets are sealed for.
        cluster_recipients: the public keys whose private halves are in the cluster.
        flux_version: of Flux in the cluster; None where the repository says it.
        in_cluster: Secrets and ConfigMaps that something else makes in the cluster.
        context: of its cluster in a kubeconfig file, or None.
    """

    name: str
    line: int
    path: str | None = None
    files: tuple[str, ...] = ()
    sealing_certificates: tuple[str, ...] = ()
    cluster_recipients: tuple[str, ...] = ()
    flux_version: GivenVersion | None = None
    in_cluster: tuple[Present, ...] = ()
    context: str | None = None


@dataclass(frozen=True, slots=True)
class Allowance:
    """One entry of `allow`: a finding that is known, and why it may stay.

    Attributes:
        path: glob of the files.
        expires: the last day on which it holds, or None.
        line: 1-based line of the entry.
    """

    rule: str
    path: str
    reason: str
    expires: date | None
    line: int


@dataclass(frozen=True, slots=True)
class AuditSettings:
    """`audit`: from when on something is a finding.

    Attributes:
        fail_on: the least severity that makes `audit` exit with 1.
        data_key_days, identity_days, token_days: how old data keys, identities and access tokens may be.
        certificate_days: how many days before its end a certificate is reported.
    """

    fail_on: str = "high"
    data_key_days: int = 365
    identity_days: int = 365
    token_days: int = 90
    certificate_days: int = 30


@dataclass(frozen=True, slots=True)
class LogSettings:
    """`log`: where it is noted what was done with secrets.

    Attributes:
        file: path relative to the repository's root, or None for its usual place.
        required: nothing is done where it cannot be noted.
    """

    file: str | None = None
    required: bool = False


@dataclass(frozen=True, slots=True)
class Settings:
    """A `.fluxsecrets.yaml`; without the file, the defaults.

    Attributes:
        environments: in the order of the file.
        secrets: globs of files that are secrets too.
        allow: findings that may stay.
        audit, log: see there.
        age_plugins: the age plugins that may run to encrypt for a recipient; None where nothing is said.
        scan: rules of the team, and words of other tools that count; None where nothing is said.
        verify: what `verify` may accept; None where nothing is said.
        trusted_servers: addresses of servers that may get the user's credentials.
        flux_version: of Flux in the clusters of environments that have none of their own, or None.
    """

    environments: tuple[EnvironmentSettings, ...] = ()
    secrets: tuple[str, ...] = ()
    allow: tuple[Allowance, ...] = ()
    audit: AuditSettings = field(default_factory=AuditSettings)
    log: LogSettings = field(default_factory=LogSettings)
    age_plugins: tuple[str, ...] | None = None
    scan: ScanSettings | None = None
    verify: VerifySettings | None = None
    trusted_servers: tuple[str, ...] = ()
    flux_version: GivenVersion | None = None

    def environment(self, name: str) -> EnvironmentSettings | None:
        """What is set for an environment, or None."""
        return next((each for each in self.environments if each.name == name), None)


def load_settings(where: Tree | Path) -> Settings:
    """The settings of a repository, read from its root; defaults where the file is missing.

    Raises:
        ConfigError: something in it is wrong; with line and column.
        FileAccessError: it cannot be read, or is a symbolic link.
        LimitError: too large, too deep, or too many aliases.
    """
    path = (where.root if isinstance(where, Tree) else where) / SETTINGS_NAME
    try:
        data = read_file(path, limit=MAX_BYTES).data
    except FileAccessError:
        if not path.is_symlink() and not path.exists():
            return Settings()
        raise
    return parse_settings(data)


def parse_settings(data: bytes, *, path: str = SETTINGS_NAME) -> Settings:
    """Read the content of a `.fluxsecrets.yaml`; raises as `load_settings` does."""
    with quoting(data):
        root = compose(data, path=path)
        return Settings() if root is None else _settings(root, path)


def _settings(root: Node, path: str) -> Settings:
    reader = _Reader(FieldReader(path))
    fields = reader.map(root, "the file", TOP_KEYS)
    return Settings(
        environments=reader.environments(fields),
        secrets=reader.globs(fields, "secrets"),
        allow=tuple(reader.allowance(node) for node in reader.read.items(fields, "allow")),
        audit=reader.audit(fields),
        log=reader.log(fields),
        age_plugins=reader.plugins(fields),
        scan=reader.scan(fields),
        verify=reader.verify(fields),
        trusted_servers=reader.texts(fields, "trusted_servers", reader.address),
        flux_version=reader.version(fields, "flux_version"),
    )


TOP_KEYS = frozenset(
    {
        "environments",
        "secrets",
        "allow",
        "audit",
        "log",
        "age_plugins",
        "scan",
        "verify",
        "trusted_servers",
        "flux_version",
    }
)
ENVIRONMENT_KEYS = frozenset(
    {"path", "files", "sealing_certificates", "cluster_recipients", "flux_version", "in_cluster", "context"}
)
ALLOW_KEYS = frozenset({"rule", "path", "reason", "expires"})
DAYS_KEYS = ("data_key_days", "identity_days", "token_days", "certificate_days")
AUDIT_KEYS = frozenset({"fail_on", *DAYS_KEYS})
LOG_KEYS = frozenset({"file", "required"})

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,99}")
_RULE = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
_PLUGIN = re.compile(r"[A-Za-z0-9+._-]+")
_RECIPIENT = re.compile(r"\S+(?: \S+)*")
_CONTEXT = re.compile(r"[!-~](?:[ -~]{0,251}[!-~])?")
FLUX_VERSION = re.compile(r"v?\d{1,3}\.\d{1,3}(?:\.\d{1,3})?", re.ASCII)
_MAX_DAYS = 36_500


@dataclass(frozen=True, slots=True)
class _Reader:
    """Takes the sections apart, with the place of every mistake."""

    read: FieldReader

    def map(self, node: Node, what: str, known: frozenset[str]) -> Fields:
        """The fields of a map, all of which must be known."""
        fields = self.read.fields(node, what)
        for key in keys_outside(fields, known):
            self.read.fail(key, f"{what} has no key {key.text[:60]!a}", hint=_near(key.text, known))
        return fields

    def section(self, fields: Fields, name: str, known: frozenset[str]) -> Fields:
        return self.map(fields[name][1], name, known) if is_set(fields, name) else {}

    def environments(self, fields: Fields) -> tuple[EnvironmentSettings, ...]:
        if not is_set(fields, "environments"):
            return ()
        entries = self.read.fields(fields["environments"][1], "environments")
        found: list[EnvironmentSettings] = []
        roots: dict[str, str] = {}
        for name, (key, node) in entries.items():
            if not _NAME.fullmatch(name):
                hint = "use letters, digits, dots, dashes and underscores, such as production"
                self.read.fail(key, f"{name[:60]!a} cannot name an environment", hint=hint)
            environment = self.environment(name, key, node)
            other = roots.setdefault(environment.path, name) if environment.path is not None else name
            if other != name:
                self.read.fail(key, f"{name} has the path of {other}", hint="one folder is one environment")
            found.append(environment)
        return tuple(found)

    def environment(self, name: str, key: ScalarNode, node: Node) -> EnvironmentSettings:
        fields = self.map(node, f"the environment {name}", ENVIRONMENT_KEYS)
        return EnvironmentSettings(
            name,
            key.line,
            self.path(fields, "path"),
            self.globs(fields, "files"),
            self.texts(fields, "sealing_certificates", self.inside),
            self.texts(fields, "cluster_recipients", self.recipient),
            self.version(fields, "flux_version"),
            self.present(fields),
            self.context(fields),
        )

    def context(self, fields: Fields) -> str | None:
        if not is_set(fields, "context"):
            return None
        node = fields["context"][1]
        name = self.read.strict_text("context", node).strip()
        if not _CONTEXT.fullmatch(name):
            hint = "`kubectl config get-contexts` lists them"
            self.read.fail(node, f"{name[:60]!a} cannot name a context", hint=hint)
        return name

    def present(self, fields: Fields) -> tuple[Present, ...]:
        if not is_set(fields, "in_cluster"):
            return ()
        from .presentsettings import present_settings

        return present_settings(self.read.items(fields, "in_cluster"), self.read.path)

    def allowance(self, node: Node) -> Allowance:
        fields = self.map(node, "an entry of allow", ALLOW_KEYS)
        rule = self.read.required(fields, "rule", node)
        if not _RULE.fullmatch(rule):
            hint = "see `fluxsecrets rules list`"
            self.read.fail(fields["rule"][1], f"{rule[:60]!a} is not the id of a rule", hint=hint)
        path = self.read.required(fields, "path", node)
        self.glob(fields["path"][1], path)
        reason = self.read.required(fields, "reason", node)
        return Allowance(rule, path, reason, self.date(fields, "expires"), node.line)

    def audit(self, fields: Fields) -> AuditSettings:
        section = self.section(fields, "audit", AUDIT_KEYS)
        fail_on = self.read.text(section, "fail_on") or AuditSettings().fail_on
        if fail_on not in SEVERITIES:
            hint = f"it is one of {', '.join(SEVERITIES)}"
            self.read.fail(section["fail_on"][1], f"{fail_on[:60]!a} is not a severity", hint=hint)
        days = {name: self.days(section, name) for name in DAYS_KEYS if is_set(section, name)}
        return AuditSettings(fail_on=fail_on, **days)

    def days(self, fields: Fields, name: str) -> int:
        number = self.read.number(fields, name) or 0
        if not 0 < number <= _MAX_DAYS:
            self.read.fail(fields[name][1], f"{name} is {number}, expected 1 to {_MAX_DAYS}")
        return number

    def log(self, fields: Fields) -> LogSettings:
        section = self.section(fields, "log", LOG_KEYS)
        return LogSettings(self.path(section, "file"), self.read.flag(section, "required"))

    def scan(self, fields: Fields) -> ScanSettings | None:
        if not is_set(fields, "scan"):
            return None
        from .scansettings import scan_settings

        return scan_settings(fields["scan"][1], self.read.path, self.inside)

    def verify(self, fields: Fields) -> VerifySettings | None:
        if not is_set(fields, "verify"):
            return None
        from .verifysettings import verify_settings

        return verify_settings(fields["verify"][1], self.read.path, self.date)

    def plugins(self, fields: Fields) -> tuple[str, ...] | None:
        return self.texts(fields, "age_plugins", self.plugin) if is_set(fields, "age_plugins") else None

    # Single values; each says what is wrong with it at its place.

    def texts(self, fields: Fields, name: str, check: Callable[[Node, str], str]) -> tuple[str, ...]:
        nodes = self.read.items(fields, name)
        return tuple(check(node, self.read.strict_text(name, node).strip()) for node in nodes)

    def globs(self, fields: Fields, name: str) -> tuple[str, ...]:
        return self.texts(fields, name, self.glob)

    def path(self, fields: Fields, name: str) -> str | None:
        if not is_set(fields, name):
            return None
        node = fields[name][1]
        return self.inside(node, self.read.strict_text(name, node).strip())

    def inside(self, node: Node, text: str) -> str:
        found = normalise(text) if text else None
        if found is None:
            hint = "write it relative to the repository's root, such as clusters/production"
            self.read.fail(node, f"{text[:60]!a} is not a path in the repository", hint=hint)
        return found

    def glob(self, node: Node, text: str) -> str:
        try:
            compile_glob(text)
        except ConfigError as error:
            self.read.fail(node, error.message, hint=error.hint)
        return text

    def plugin(self, node: Node, text: str) -> str:
        if not _PLUGIN.fullmatch(text):
            message = f"{text[:60]!a} is not the name of a plugin"
            self.read.fail(node, message, hint="it is NAME of age-plugin-NAME")
        return text

    def address(self, node: Node, text: str) -> str:
        from fluxsecrets.clouds.endpoints import endpoint

        if endpoint(text) is None:
            message = f"{text[:60]!a} is not the address of a server"
            self.read.fail(node, message, hint="it looks like https://vault.example.com:8200")
        return text

    def recipient(self, node: Node, text: str) -> str:
        if not _RECIPIENT.fullmatch(text):
            self.read.fail(node, "there is no public key here", hint="it is an age recipient, such as age1…")
        return text

    def version(self, fields: Fields, name: str) -> GivenVersion | None:
        if not is_set(fields, name):
            return None
        node = fields[name][1]
        # Without quotes, 2.10 is a number, and would be 2.1.
        found = self.read.strict_text(name, node).strip()
        if not FLUX_VERSION.fullmatch(found):
            message = f"{found[:60]!a} is not a version of Flux"
            self.read.fail(node, message, hint='write it in quotes, as in "2.8" or "2.9.1"')
        return GivenVersion(found.removeprefix("v"), node.line)

    def date(self, fields: Fields, name: str) -> date | None:
        if not is_set(fields, name):
            return None
        node = fields[name][1]
        try:
            return date.fromisoformat(node.text if isinstance(node, ScalarNode) else "")
        except ValueError:
            self.read.fail(node, f"{name} is {kind_of(node)}, expected a day", hint="write it as 2027-01-31")


def _near(name: str, known: Iterable[str]) -> str:
    from difflib import get_close_matches

    close = get_close_matches(name, known, n=1)
    return f"did you mean {close[0]}?" if close else f"known are {', '.join(sorted(known))}"
