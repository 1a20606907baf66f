"""What one run knows: its surroundings, its key providers, and the `.sops.yaml` files it has read."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from stat import S_ISREG

from fluxsecrets.errors import ConfigError, FluxsecretsError, UsageError
from fluxsecrets.files.reading import FileContent, FileIdentity, identity_of, read_file
from fluxsecrets.files.statedirs import upwards
from fluxsecrets.marks import MISSPELLED_RULES_NAME, RULES_NAME, SETTINGS_NAME
from fluxsecrets.namedtuples import NamedTuple
from fluxsecrets.records import dataclass, field, replace
from fluxsecrets.sops.envelope import Providers, RecipientGroups
from fluxsecrets.sops.formats import Limits

from .logged import root_with_settings
from .trustedservers import TrustedServers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeVar

    from fluxsecrets.keys import Allowed, User
    from fluxsecrets.keys.keyservice import AskedServices
    from fluxsecrets.sops.config import CreationRule, RuleMatch, SopsConfig
    from fluxsecrets.sops.recipients import Recipient

    Item = TypeVar("Item")

_KEPT_AHEAD = 2**20
"""Most bytes of a file that are kept for the next step of the work on it."""

_ORDER = "SOPS_DECRYPTION_ORDER"
_FIRST_RULE = "run `fluxsecrets init`, which writes keys and rules, or name recipients with --age"


class AppliedConfig(NamedTuple):
    """The configuration that applies to a file.

    Attributes:
        config: the parsed `.sops.yaml`.
        relative_path: the file's path relative to the configuration's folder, with `/`.
        rule: the rule that applies, or None.
    """

    config: SopsConfig
    relative_path: str
    rule: CreationRule | None

    @property
    def matches(self) -> tuple[RuleMatch, ...]:
        """The rules tried, with reasons, the last one matching if any did."""
        from fluxsecrets.sops.config import match_rules

        return match_rules(self.config, self.relative_path)


@dataclass(slots=True)
class Session:
    """One run; made when it starts and handed down, so that nothing is looked up twice.

    Attributes:
        cwd: absolute path of the working directory; messages name files relative to it.
        limits: what input may cost.
        config_path: `--config`: the `.sops.yaml` to use whatever the file, or None.
        ask: asks the user for a passphrase and gives it; None where there is nobody to ask.
        notify: tells the user something that a key needs, such as a touch.
        warn: tells the user what is wrong with a key file that can be used all the same, or with a file that
            was replaced.
        order: kinds of keys to try first; None takes `SOPS_DECRYPTION_ORDER`.
        partial_history: take the history of a shallow clone for all there is.
        flux_version: of Flux in all clusters; None where the settings or the repository say it.
        note: tells the user what is being done.
        outputs: the files of `-o` as they were when the command began; None for those that did not exist.
        services: the key services to ask; None takes `SOPS_KEYSERVICE` and `SOPS_ENABLE_LOCAL_KEYSERVICE`.
        allowed: which keys may be used; None for all.
        progress: passes items on and shows how far they are; takes them, their number, and what is done.
    """

    environ: Mapping[str, str]
    cwd: Path
    limits: Limits = field(default_factory=Limits)
    config_path: Path | None = None
    ask: Callable[[str], str] | None = None
    notify: Callable[[str], None] | None = None
    warn: Callable[[str], None] | None = None
    order: tuple[str, ...] | None = None
    partial_history: bool = False
    flux_version: str | None = None
    note: Callable[[str], None] | None = None
    progress: Callable[[Iterator[Any], int, str], Iterator[Any]] | None = None
    outputs: Mapping[Path, FileIdentity | None] = field(default_factory=dict)
    services: AskedServices | None = None
    allowed: Allowed | None = None
    _own_providers: Providers | None = None
    _providers: Providers | None = None
    _trusted_servers: TrustedServers | None = None
    _configs: dict[str, SopsConfig] = field(default_factory=dict)
    _config_paths: dict[str, Path] = field(default_factory=dict)
    _last: tuple[Path, AppliedConfig, Path, Path | None] | None = None
    _ahead: FileContent | None = None
    _openable: dict[tuple[tuple[str, str, str], ...], bool] = field(default_factory=dict)
    _public: dict[Path, frozenset[tuple[str, str]]] = field(default_factory=dict)

    def warn_of(self, path: Path, note: str | None) -> None:
        """Tell the user what is to know about a file, if anything is."""
        if note is not None and self.warn is not None:
            self.warn(f"{self.shown(path)}: {note}")

    def watched(self, items: Iterator[Item], total: int, doing: str) -> Iterator[Item]:
        """Pass items on, and show how far they are where somebody looks.

        Args:
            items: what is being done.
            total: how many there will be.
            doing: such as `encrypting`.
        """
        return items if self.progress is None else self.progress(items, total, doing)

    @property
    def providers(self) -> Providers:
        """Key providers by kind of recipient: of this machine, and of key services if the user names some.

        Raises:
            ConfigError, FileAccessError: `.fluxsecrets.yaml` is invalid, so it is unknown what may run.
            UsageError: the address of a key service is malformed.
        """
        if self._providers is None:
            services = self.asked_services
            if services is None:
                self._providers = self.own_providers
            else:
                from fluxsecrets.keys.keyservice.served import ServedProviders

                self._providers = ServedProviders(self.own_providers, services, self.warn)
        return self._providers

    @property
    def own_providers(self) -> Providers:
        """Key providers of this machine alone; identities are looked up with the first use.

        Raises:
            ConfigError, FileAccessError: see `providers`.
        """
        if self._own_providers is None:
            from fluxsecrets.keys import Allowed, make_providers

            order = parse_order(self.environ.get(_ORDER, ""), _ORDER) if self.order is None else self.order
            allowed = Allowed() if self.allowed is None else self.allowed
            self._own_providers = make_providers(self.environ, self.user(), order, allowed)
        return self._own_providers

    @property
    def asked_services(self) -> AskedServices | None:
        """The key services to ask; None if this machine alone is asked, as is usual.

        Raises:
            UsageError: the address of one is malformed.
        """
        from fluxsecrets.keys.keyservice import VARIABLES

        if self.allowed is not None and not (self.allowed.services and self.allowed.identities):
            return None
        services = self.services
        if services is None and not self.environ.keys().isdisjoint(VARIABLES):
            from fluxsecrets.keys.keyservice.endpoints import from_environment

            services = from_environment(self.environ)
        return None if services is None or services.usual else services

    @property
    def asks_services(self) -> bool:
        """Whether key services are asked. They may open what the identities at hand can't.

        Raises:
            UsageError: see `asked_services`.
        """
        services = self.asked_services
        return services is not None and bool(services.remote)

    def user(self) -> User:
        """What providers may ask the user of this run, and what the user allowed.

        Raises:
            ConfigError, FileAccessError: see `providers`.
        """
        from fluxsecrets.keys import User

        return User(
            ask=self.ask,
            notify=self.notify,
            warn=self.warn,
            allowed_plugins=self._allowed_plugins(),
            named=self.trusted_servers.recipients,
            servers=self.trusted_servers.addresses,
        )

    @property
    def trusted_servers(self) -> TrustedServers:
        """The servers that may get credentials; read when a provider asks."""
        if self._trusted_servers is None:
            config = None if self.config_path is None else self.cwd / self.config_path
            self._trusted_servers = TrustedServers(self.cwd, config, self.limits.size)
        return self._trusted_servers

    def named(self, recipients: Iterable[Recipient]) -> None:
        """Take recipients of the command line: their servers may get credentials."""
        self.trusted_servers.given.extend(recipients)

    def _allowed_plugins(self) -> frozenset[str] | None:
        """The age plugins that may run to encrypt, where the settings of this repository say which.

        Raises:
            ConfigError, FileAccessError: the settings are invalid, or cannot be read.
        """
        root = root_with_settings(os.path.realpath(self.cwd))
        if root is None:
            return None
        # Settings that say nothing of plugins are not parsed for them: every command passes here.
        if b"age_plugins" not in read_file(Path(root, SETTINGS_NAME), limit=self.limits.size).data:
            return None
        from fluxsecrets.repo.settings import load_settings

        names = load_settings(Path(root)).age_plugins
        return None if names is None else frozenset(names)

    def opens_any(self, groups: RecipientGroups) -> bool:
        """Whether one of the recipients is an identity at hand; only kinds of keys that occur are asked."""
        recipients = [recipient for group in groups for recipient in group]
        key = tuple((each.kind, each.id, repr(each.attributes)) for each in recipients)
        if key not in self._openable:
            self._openable[key] = any(self.providers[each.kind].owns(each) for each in recipients)
        return self._openable[key]

    def public_keys(self, folder: Path) -> frozenset[tuple[str, str]]:
        """The recipients in `keys/` of the repository that a folder belongs to, by `recipient_key`.

        Raises:
            GitError: the repository cannot be read.
        """
        if folder not in self._public:
            from fluxsecrets.repo.git import find_repository
            from fluxsecrets.sops.recipients import KINDS, recipient_key

            from .names import read_public_keys

            repository = find_repository(folder)
            texts = read_public_keys(folder if repository is None else repository.root)
            found = set()
            for text in texts:
                for kind in KINDS.values():
                    with suppress(FluxsecretsError):
                        if kind.local:
                            found.add(recipient_key(kind.parse(text)))
            self._public[folder] = frozenset(found)
        return self._public[folder]

    def opens(self, groups: RecipientGroups, threshold: int) -> bool:
        """Whether identities at hand are enough to open what is encrypted for these key groups.

        A key service may have others: with one, the answer is yes.

        Args:
            groups: recipients by key group.
            threshold: how many groups are needed; 0 means all.
        """
        if self.asks_services:
            return True
        own = sum(self.opens_any((group,)) for group in groups)
        return own >= (threshold or len(groups)) if len(groups) > 1 else own > 0

    def search_further(self, groups: RecipientGroups) -> tuple[str, ...]:
        """Run the user's key commands, so that `opens` knows what they print.

        Returns:
            Where there may be identities that only the user could open, for people; nobody is asked.
        """
        recipients = [recipient for group in groups for recipient in group]
        kinds = dict.fromkeys(recipient.kind for recipient in recipients)
        untold = [text for kind in kinds for text in self.providers[kind].search_further(recipients)]
        self._openable.clear()
        return tuple(untold)

    def now(self) -> str:
        """The time in RFC 3339, in whole seconds, as it goes into `lastmodified`."""
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())

    def shown(self, path: Path) -> str:
        """A path as the user would name it: relative to the working directory where it is below."""
        text, below = str(path), f"{self.cwd}{os.sep}"
        if text.startswith(below):  # as the rest says, in a tenth of the time
            return text[len(below) :].replace(os.sep, "/")
        absolute = self.cwd / path
        try:
            return absolute.relative_to(self.cwd).as_posix()
        except ValueError:
            relative = os.path.relpath(absolute, self.cwd)
            return Path(relative).as_posix() if relative.count("..") <= 3 else str(absolute)

    def read_ahead(self, path: Path) -> bytes:
        """Look at a file that `read` is about to read; raises as `read_file`."""
        self._ahead = None
        content = read_file(path, limit=self.limits.size)
        if len(content.data) <= _KEPT_AHEAD:
            self._ahead = content
        return content.data

    def read(self, path: Path) -> FileContent:
        """Read a file; the same as `read_file`, but that a file that was read just before is not read twice.

        A save since then that the file's state does not tell is noticed when the file is replaced.
        """
        ahead, self._ahead = self._ahead, None
        if ahead is not None and ahead.path == path:
            with suppress(OSError, ValueError):
                if identity_of(os.lstat(path)) == ahead.identity:
                    return ahead
        return read_file(path, limit=self.limits.size)

    def find_config(self, start: Path, known: dict[str, Path | None] | None = None) -> Path | None:
        """The `.sops.yaml` of a folder or the nearest one above it.

        Args:
            start: the folder.
            known: answers for folders; those of this one and of the ones above it are added.
        """
        if self.config_path is not None:
            return self.cwd / self.config_path
        passed, found = [], None
        for folder in upwards(str(start)):
            if known is not None and folder in known:
                found = known[folder]
                break
            passed.append(folder)
            candidate = os.path.join(folder, RULES_NAME)  # noqa: PTH118
            if candidate in self._configs or _is_file(candidate):
                if candidate not in self._config_paths:
                    self._config_paths[candidate] = Path(candidate)
                found = self._config_paths[candidate]
                break
        if known is not None:
            known |= dict.fromkeys(passed, found)
        return found

    def plan_config(self, path: Path, config: SopsConfig) -> None:
        """Use a `.sops.yaml` that is not written yet.

        Args:
            path: absolute path of it.
            config: what it will say.
        """
        self._configs[str(path)] = config
        self._last = None

    def load_config(self, path: Path) -> SopsConfig:
        """Read a `.sops.yaml`, once per run.

        Raises:
            ConfigError: it is invalid; with file and line.
        """
        name = str(path)
        if name not in self._configs:
            from fluxsecrets.sops.config import parse_config

            try:
                content = read_file(path, limit=self.limits.size, follow_links=True)
                self._configs[name] = parse_config(content.data, path=self.shown(path))
            except FluxsecretsError as error:
                error.path = self.shown(path)
                if path.is_symlink():  # it may lead to any file of this machine, whose lines are not shown
                    error.details = ()
                error.hint = error.hint or "fix this line: without valid rules nothing can be encrypted"
                raise
        return self._configs[name]

    def with_configs(self, texts: Mapping[Path, bytes]) -> Session:
        """The same run, in which some `.sops.yaml` files are as they will be.

        Raises:
            ConfigError: one would be invalid.
        """
        from fluxsecrets.sops.config import parse_config

        changed = {str(path): parse_config(data, path=self.shown(path)) for path, data in texts.items()}
        return replace(self, _configs={**self._configs, **changed}, _last=None)

    def rules_for(self, path: Path) -> AppliedConfig | None:
        """The rules tried for a file, up to the one that applies.

        Args:
            path: absolute path of the file, which need not exist.

        Returns:
            None where there is no `.sops.yaml`, or one without creation rules, as sops sees it.

        Raises:
            ConfigError: the `.sops.yaml` is invalid.
        """
        last = self._last
        # The steps of the work on one file ask one after the other, mostly with one and the same object.
        if last is not None and last[0] is path and last[2] is self.cwd and last[3] is self.config_path:
            return last[1]
        found = self._rules_above(path)
        if found is None:
            return None
        config, relative = found
        if last is None or last[0] != path or last[1].config is not config:
            from fluxsecrets.sops.config import rule_for

            applied = AppliedConfig(config, relative, rule_for(config, relative))
        else:
            applied = last[1]
        self._last = (path, applied, self.cwd, self.config_path)
        return applied

    def rule_for(self, path: Path) -> CreationRule | None:
        """The rule that applies to a file; None without one."""
        applied = self.rules_for(path)
        return None if applied is None else applied.rule

    def _rules_above(self, path: Path) -> tuple[SopsConfig, str] | None:
        """The configuration that decides for a file, and the file's path in its folder, with `/`.

        Raises:
            ConfigError: it is invalid.
        """
        config_path = self.find_config(path.parent)
        if config_path is None:
            return None
        config = self.load_config(config_path)
        if not config.has_creation_rules:
            return None
        return config, _relative(path, config_path.parent)

    def _without_rules(self, path: Path, shown: str) -> ConfigError | None:
        """The error where there is a `.sops.yaml`, and no creation rules in it."""
        found = self.find_config(path.parent)
        if found is None:
            return None
        import difflib

        config = self.load_config(found)
        near = [each for each in config.unknown if difflib.get_close_matches(each.name, ["creation_rules"])]
        place = self.shown(found)
        return ConfigError(
            f"there are no creation rules in {place}",
            path=shown,
            hint=f"{place}:{near[0].line}: {near[0].name!a} is not a known key: write creation_rules"
            if near
            else f"put some under `creation_rules:` in {place}",
        )

    def no_rule_error(self, path: Path, applied: AppliedConfig | None) -> ConfigError:
        """Why no rule applies to a file, with what to do."""
        shown = self.shown(path)
        if applied is None:
            misspelled = next(
                (
                    folder / MISSPELLED_RULES_NAME
                    for folder in path.parents
                    if (folder / MISSPELLED_RULES_NAME).is_file()
                ),
                None,
            )
            if misspelled is not None:
                return ConfigError(
                    f"there is no {RULES_NAME} with creation rules for this file",
                    path=shown,
                    hint=f"{self.shown(misspelled)} is not read by sops either: name it {RULES_NAME}",
                )
            if (without := self._without_rules(path, shown)) is not None:
                return without
            return ConfigError(
                f"there is no {RULES_NAME} with creation rules in this file's folder or above it",
                path=shown,
                hint=_FIRST_RULE,
            )
        return ConfigError(
            f"no creation rule of {applied.config.path} matches this file",
            path=shown,
            details=[f"rule {match.rule.index + 1}: {match.reason}" for match in applied.matches],
            hint=f"add a rule whose path_regex matches {applied.relative_path}",
        )


def _relative(path: Path, folder: Path) -> str:
    """A path relative to a folder, with `/`; the whole path where it is elsewhere."""
    text, above = str(path), f"{folder}{os.sep}"
    if text.startswith(above):
        return text[len(above) :].replace(os.sep, "/")
    return (path.relative_to(folder) if path.is_relative_to(folder) else path).as_posix()


def _is_file(path: str) -> bool:
    """Whether there is a regular file, or a link to one; the same as `Path.is_file`, and faster."""
    try:
        return S_ISREG(os.stat(path).st_mode)  # noqa: PTH116
    except FileNotFoundError:
        return False
    except (OSError, ValueError):
        return Path(path).is_file()


def parse_order(text: str, origin: str) -> tuple[str, ...]:
    """Kinds of keys in the order in which to try them, separated by commas.

    Args:
        text: such as `pgp,age`; kinds that are not named come last.
        origin: where it was given, for messages.

    Raises:
        UsageError: an unknown kind, or one that is named twice.
    """
    from fluxsecrets.sops.metadata import KEY_KINDS

    kinds = tuple(part.strip() for part in text.split(",") if part.strip())
    for kind in kinds:
        if kind not in KEY_KINDS:
            raise UsageError(
                f"{origin}: there is no kind of key {kind!a}", hint=f"the kinds are {', '.join(KEY_KINDS)}"
            )
        if kinds.count(kind) > 1:
            raise UsageError(f"{origin}: {kind} stands twice", hint="name each kind once")
    return kinds
