"""Which files are secrets because a creation rule of `.sops.yaml` names them.

Most rules say how a secret is encrypted, not whether a file is one: `path_regex: .*.yaml` is in every
tutorial. A rule makes a file a secret only where it names it narrowly. That is asked of each file, and what
the pattern matches decides, not how it is written:

- by its name: the rule does not match ordinary names in the same folder, such as `deployment.yaml`;
- by its folder: the rule takes whatever lies there, but no usual place of a Flux repository, and the folder
  is called `secrets`, or the rule names no Kubernetes object that is not a secret.

The scanner asks as well as everything that encrypts, so that there is one answer. A commit hook asks, too:
nothing is imported here that a scan does not need, and most files are decided by a look at their bytes.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path, PurePosixPath

from fluxsecrets.errors import FileAccessError, FluxsecretsError, LimitError
from fluxsecrets.marks import MANIFEST_SUFFIXES, RULES_NAME, SIGN_BYTES, chart_files, name_in
from fluxsecrets.namedtuples import NamedTuple
from fluxsecrets.sops.selectors import Regex, RegexError, compile_regex

from .configfiles import why_plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fluxsecrets.sops.firstmatch import FirstMatch

ORDINARY_NAMES = (
    *("README.md", "kustomization.yaml", "namespace.yaml", "deployment.yaml", "deployment.yml"),
    *("helmrelease.yaml", "configmap.yaml", "values.yaml", "config.yaml", "config.json", "dashboard.json"),
    *("settings.toml", "config.ini", "app.conf", "app.properties", "notes.txt", "main.tf", "run.sh"),
    *("index.html", "Dockerfile", "Makefile"),
)
"""Names of files that are not secrets. A rule that matches one of them beside a file does not go by names."""

USUAL_FOLDERS = (
    *("", "apps", "apps/base/podinfo", "apps/podinfo", "apps/production", "base", "bootstrap"),
    *("charts/podinfo", "clusters", "clusters/dev", "clusters/prod", "clusters/production"),
    *("clusters/production/flux-system", "clusters/staging", "components", "deploy", "docs"),
    *("infrastructure", "infrastructure/configs", "infrastructure/controllers", "k8s", "kubernetes"),
    *("kubernetes/apps/default/podinfo", "kubernetes/flux", "manifests", "overlays/production", "src"),
    ".github/workflows",
)
"""Folders in which Flux repositories usually keep what is not secret."""

SECRET_FOLDERS = frozenset({"secret", "secrets", ".secret", ".secrets"})
"""Names of folders for secrets: a rule for such a folder names secrets, whatever else is in it."""

_OTHER_FOLDERS = ("another", "another-folder", "another/folder2")

_MANY = 8
"""Rules from which it pays to join their patterns."""

_LARGEST = 2**20
"""The largest `.sops.yaml`, and the largest file that is read to tell what a rule is for, in bytes."""

_SIMPLE = 64 * 2**10
"""The largest `.sops.yaml` that is read the quick way, in bytes."""

_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_COMPANIONS = frozenset(
    {b"Secret", b"SecretList", b"SealedSecret", b"ExternalSecret", b"ClusterExternalSecret", b"SecretStore"}
    | {b"ClusterSecretStore"}
)
"""Kinds that belong in a folder of secrets, besides kustomization.yaml, which its name tells."""
_KUSTOMIZE = b"kustomize.config.k8s.io/"
_KIND = rb"""(?m)^kind[ ]*:[ ]*["']?([A-Za-z]+)"""
_API = rb"""(?m)^apiVersion[ ]*:[ ]*["']?([\w./-]+)"""


class Files:
    """The files that rules are for: those of a folder or repository on disk."""

    def __init__(
        self,
        root: str,
        listing: Iterable[str] | Callable[[], Iterable[str]] | None = None,
        planned: Mapping[str, bytes | None] | None = None,
    ) -> None:
        """Take where they are.

        Args:
            root: absolute path.
            listing: their paths relative to the root, or a function that lists them when it matters. git
                is asked for them then if neither is given.
            planned: contents that are not on disk yet, or are otherwise there; None for files that count as
                missing.
        """
        self._root = root
        self._listing = listing
        self._planned = planned or {}

    def __reduce__(self) -> tuple[object, ...]:
        """Keep the listing if there is one; another process lists by itself."""
        listing = None if callable(self._listing) else self._listing
        return (Files, (self._root, listing, self._planned))

    @property
    def paths(self) -> Iterable[str]:
        """All of them, those that git tracks or would."""
        if callable(self._listing):
            self._listing = self._listing()
        if self._listing is None:
            from .git import find_repository
            from .tree import walk_files

            root = Path(self._root)
            repository = find_repository(root)
            self._listing = walk_files(root) if repository is None else repository.files()
        return self._listing

    def content(self, path: str, *, follow_links: bool = False) -> bytes | None:
        """The bytes of a file on disk, whether it is listed or not; None if there is no such file.

        Raises:
            FileAccessError, LimitError: it cannot be read, or is larger than 1 MiB.
        """
        if path in self._planned:
            return self._planned[path]
        place = os.path.join(self._root, path)  # noqa: PTH118 - asked for each folder of a repository
        try:
            status = os.stat(place, follow_symlinks=follow_links)  # noqa: PTH116 - likewise
            if not stat.S_ISREG(status.st_mode):
                return None
            if status.st_size > _LARGEST:
                raise LimitError(f"larger than {_LARGEST // 2**20} MiB", hint="split it", path=path)
            with open(place, "rb") as stream:  # noqa: PTH123 - likewise
                return stream.read(_LARGEST)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, ValueError) as error:
            reason = (getattr(error, "strerror", None) or "unreadable").lower()
            raise FileAccessError(
                f"cannot be read: {reason}", hint="check who may read it", path=path
            ) from None


class PathRule(NamedTuple):
    """The part of a creation rule that says which files it is for.

    Attributes:
        number: from 1.
        pattern: its `path_regex`, or None where it is for every path.
    """

    number: int
    pattern: Regex | None

    def matches(self, path: str) -> bool:
        """Whether it is for a path, relative to the configuration's folder."""
        return self.pattern is None or self.pattern.search(path)


class RuleNaming(NamedTuple):
    """What a rule's match says about a file.

    Attributes:
        config: the `.sops.yaml`, relative to the root.
        number: of the rule, from 1.
        narrow: what the rule names here is a secret.
        why: how it picks what it names, or what else it matches.
    """

    config: str
    number: int
    narrow: bool
    why: str

    @property
    def reason(self) -> str:
        """Why the file is a secret, for people."""
        return f"a narrow rule names it: rule {self.number} of {self.config}"


class RuleNames:
    """The creation rules of a repository; ask about one file at a time."""

    def __init__(self, files: Files) -> None:
        """Take the repository's files; nothing is read before the first question."""
        self._files = files
        self._configs: dict[str, tuple[PathRule, ...] | FluxsecretsError | None] = {}
        self._nearest: dict[str, str] = {}  # by folder
        self._first_matches: dict[str, FirstMatch] = {}
        self._by_name: dict[tuple[str, int, str, str], bool] = {}
        self._wide: dict[tuple[str, int], str] = {}

    def __reduce__(self) -> tuple[object, ...]:
        """Another process reads what it needs again."""
        return (RuleNames, (self._files,))

    def naming(self, path: str) -> RuleNaming | None:
        """How the rule that applies to a file names it.

        Args:
            path: relative to the root, with `/`.

        Returns:
            None where no rule is for it.

        Raises:
            FluxsecretsError: the `.sops.yaml` that applies cannot be read.
        """
        found = self._config(path)
        if found is None:
            return None
        config, rules = found
        folder = config.rpartition("/")[0]
        inside = path.removeprefix(f"{folder}/") if folder else path
        rule = self._first(config, rules, inside)
        return None if rule is None else self._judge(config, folder, rule, inside)

    def _first(self, config: str, rules: Sequence[PathRule], inside: str) -> PathRule | None:
        """The rule of a configuration that applies to a path in its folder."""
        if len(rules) < _MANY:
            return next((rule for rule in rules if rule.matches(inside)), None)
        if config not in self._first_matches:
            from fluxsecrets.sops.firstmatch import FirstMatch

            self._first_matches[config] = FirstMatch([rule.pattern for rule in rules])
        number = self._first_matches[config].search(inside)
        return None if number is None else rules[number]

    def secret(self, path: str) -> str:
        """Why a file is a secret by its rule, or "". The content does not matter here: see `exempt`.

        Raises:
            FluxsecretsError: the `.sops.yaml` that applies cannot be read.
        """
        found = self._config(path)
        if found is None or not found[1]:
            return ""
        naming = self.naming(path)
        if naming is None or not naming.narrow or self.is_kept_plain(path):
            return ""
        return naming.reason

    def broken(self, paths: Iterable[str]) -> Iterator[tuple[str, FluxsecretsError]]:
        """The `.sops.yaml` files that apply to some files and cannot be read, each once, and why."""
        for folder in dict.fromkeys(path.rpartition("/")[0] for path in paths):
            with suppress(FluxsecretsError):
                self._config_path(f"{folder}/" if folder else "-")
        for config, rules in sorted(self._configs.items()):
            if isinstance(rules, FluxsecretsError):
                yield config, rules

    def is_kept_plain(self, path: str) -> bool:
        """Whether a file's name or place says that it stays plain text, whatever rule matches it."""
        return (
            why_plain(PurePosixPath(path)) is not None
            or name_in(path).startswith(("README", "LICENSE"))
            or any(map(self._is_there, chart_files(path)))
        )

    def _is_there(self, path: str) -> bool:
        try:
            return self._files.content(path) is not None
        except FluxsecretsError:
            return True

    # --- configurations --------------------------------------------------------------------------------

    def _config_path(self, path: str) -> str:
        """The nearest `.sops.yaml` whose rules name paths, or ""."""
        folder = path.rpartition("/")[0]
        passed: list[str] = []
        # A loop, since git takes folders that are nested deeper than Python's stack.
        while (nearest := self._nearest.get(folder)) is None:
            passed.append(folder)
            nearest = self._config_in(folder)
            if nearest is not None or not folder:
                break
            folder = folder.rpartition("/")[0]
        found = nearest or ""
        self._nearest.update(dict.fromkeys(passed, found))
        return found

    def _config_in(self, folder: str) -> str | None:
        """The `.sops.yaml` of a folder; "" if its rules name no paths, None if the file is missing."""
        config = f"{folder}/{RULES_NAME}" if folder else RULES_NAME
        rules = self._rules(config)
        if isinstance(rules, FluxsecretsError):
            raise rules
        if rules is None:
            return None
        return config if rules else ""

    def _config(self, path: str) -> tuple[str, tuple[PathRule, ...]] | None:
        config = self._config_path(path)
        rules = self._rules(config) if config else None
        return (config, rules) if isinstance(rules, tuple) else None

    def _rules(self, config: str) -> tuple[PathRule, ...] | FluxsecretsError | None:
        """The rules of a configuration, None if the file is missing, or its error."""
        if config not in self._configs:
            try:
                data = self._files.content(config, follow_links=True)
                self._configs[config] = None if data is None else read_path_rules(data, config)
            except FluxsecretsError as error:
                self._configs[config] = error.in_file(config)
        return self._configs[config]

    # --- narrow or wide --------------------------------------------------------------------------------

    def _judge(self, config: str, folder: str, rule: PathRule, path: str) -> RuleNaming:
        if rule.pattern is None:
            return RuleNaming(config, rule.number, False, "it has no path_regex")
        if self._is_by_name(config, rule, path):
            return RuleNaming(config, rule.number, True, "it picks files by their names")
        if _is_by_secret_folder(rule, path):
            return RuleNaming(config, rule.number, True, "it takes a folder of secrets")
        other = self._others(config, folder, rule)
        if other:
            return RuleNaming(config, rule.number, False, other)
        return RuleNaming(config, rule.number, True, "it takes a folder of secrets")

    def _is_by_name(self, config: str, rule: PathRule, path: str) -> bool:
        above, _, name = path.rpartition("/")
        # Only for a file that is called as an ordinary one its own name matters.
        key = (config, rule.number, above, name if name in ORDINARY_NAMES else "")
        if key not in self._by_name:
            self._by_name[key] = _is_by_name(rule, above, name)
        return self._by_name[key]

    def _others(self, config: str, folder: str, rule: PathRule) -> str:
        """What a rule matches beside a folder of secrets, or ""."""
        key = (config, rule.number)
        if key not in self._wide:
            usual = next((each for each in _usual_paths() if rule.matches(each)), None)
            if usual is not None:
                self._wide[key] = f"it would match {usual}, too"
            else:
                ordinary = next(self._ordinary(config, folder, rule), None)
                self._wide[key] = f"it matches {ordinary}, too, which is not a secret" if ordinary else ""
        return self._wide[key]

    def _ordinary(self, config: str, folder: str, rule: PathRule) -> Iterator[str]:
        """The files that the rule applies to and that hold ordinary Kubernetes objects."""
        start = f"{folder}/" if folder else ""
        for path in self._files.paths:
            if not path.startswith(start) or not path.endswith(MANIFEST_SUFFIXES):
                continue
            inside = path.removeprefix(start)
            if not rule.matches(inside) or self.is_kept_plain(path):
                continue
            found = self._config(path)
            if found is None or found[0] != config:
                continue
            if next((each for each in found[1] if each.matches(inside)), rule) is not rule:
                continue
            try:
                data = self._files.content(path)
            except FluxsecretsError:
                continue
            if data and _holds_ordinary(data):
                yield path


def read_path_rules(data: bytes, path: str) -> tuple[PathRule, ...]:
    """Read from a `.sops.yaml` which paths its creation rules are for.

    Returns:
        The rules in order; none where no rule has a `path_regex`.

    Raises:
        ConfigError, LimitError: it cannot be read, or a pattern is invalid.
    """
    if b"path_regex" not in data:
        return ()
    found = _simple_rules(data)
    if found is not None:
        return found
    from fluxsecrets.sops.config import parse_config

    return tuple(
        PathRule(rule.index + 1, None if rule.path_regex is None else compile_regex(rule.path_regex))
        for rule in parse_config(data, path=path).rules
    )


def _simple_rules(data: bytes) -> tuple[PathRule, ...] | None:
    """The rules of a file without exotic YAML, as nearly all are; None leaves it to `parse_config`.

    That is slow to import for a commit hook.
    """
    if len(data) > _SIMPLE or b"<<" in data or b"!" in data or max(map(data.count, (b"[", b"{"))) > 100:
        return None
    from .plainyaml import load_texts

    root = load_texts(data)
    rules = root.get("creation_rules") if isinstance(root, Mapping) else None
    if not isinstance(rules, list) or not all(isinstance(rule, Mapping) for rule in rules):
        return None
    found = []
    for number, rule in enumerate(rules, start=1):
        pattern = rule.get("path_regex", "")
        if not isinstance(pattern, str) or (pattern in _NULLS and "path_regex" in rule):
            return None
        try:
            found.append(PathRule(number, compile_regex(pattern) if pattern else None))
        except RegexError:
            return None
    return tuple(found)


def exempt(path: str, data: bytes) -> bool:
    """Whether a file's content says that no rule makes it a secret.

    Empty files, and manifests in which every document is a Kubernetes object and none a Secret with values:
    what is secret among objects is said by their kind.
    """
    if not data.strip():
        return True
    if not path.lower().endswith(MANIFEST_SUFFIXES) or b"kind" not in data:
        return False
    if looks_ordinary(data):
        return True
    from fluxsecrets.sops.document import Mapping as Map

    from .manifests import child, read_manifests

    try:
        file = read_manifests(data, path)
    except FluxsecretsError:
        return False
    return file.only_objects and all(
        isinstance(child(each.node, "metadata"), Map)
        and (each.kind != "Secret" or (each.is_secret and not each.has_data))
        for each in file.manifests
    )


def looks_ordinary(data: bytes) -> bool:
    """Whether the bytes of a file show that it is exempt: plain objects in YAML, and no Secret."""
    documents = _documents(data)
    return bool(documents) and all(
        b"\nkind: " in b"\n" + part
        and b"\napiVersion: " in b"\n" + part
        and b"\nmetadata:" in b"\n" + part
        and b"Secret" not in part
        for part in documents
    )


def _is_by_name(rule: PathRule, above: str, name: str) -> bool:
    start = f"{above}/" if above else ""
    if any(rule.matches(start + other) for other in ORDINARY_NAMES if other != name):
        return False
    # A file that is called as an ordinary one is named where the rule does not name such files elsewhere.
    return name not in ORDINARY_NAMES or not any(rule.matches(f"{other}/{name}") for other in _OTHER_FOLDERS)


def _is_by_secret_folder(rule: PathRule, path: str) -> bool:
    parts = path.split("/")
    for index, part in enumerate(parts[:-1]):
        if part.lower() in SECRET_FOLDERS:
            others = ("/".join((*parts[:index], other, *parts[index + 1 :])) for other in _OTHER_FOLDERS)
            if not any(map(rule.matches, others)):
                return True
    return False


def _usual_paths() -> Iterable[str]:
    return (f"{folder}/{name}" if folder else name for folder in USUAL_FOLDERS for name in ORDINARY_NAMES)


def _holds_ordinary(data: bytes) -> bool:
    """Whether there is a plain Kubernetes object in a YAML file that does not lie in folders of secrets."""
    if SIGN_BYTES in data:
        return False
    for part in _documents(data):
        kind, group = re.search(_KIND, part), re.search(_API, part)
        if kind is None or group is None or b"\nmetadata:" not in b"\n" + part:
            continue
        if kind[1] not in _COMPANIONS and not group[1].startswith(_KUSTOMIZE):
            return True
    return False


def _documents(data: bytes) -> list[bytes]:
    return [part for part in re.split(rb"(?m)^---[^\n]*$", data) if part.strip()]
