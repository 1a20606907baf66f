"""What is a secret: files that must be encrypted, and files that are.

One pass: every file is read once and looked at as bytes; only what may hold a Secret is parsed. In
doubt a file is in the result with an error, never silently left out.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from enum import Enum
from pathlib import PurePosixPath

from fluxsecrets.errors import ConfigError, FluxsecretsError, LimitError, UnprotectedError
from fluxsecrets.marks import (
    LEFTOVER,
    MANIFEST_SUFFIXES,
    chart_files,
    is_kustomization,
    is_leftover_name,
    is_secret_name,
)
from fluxsecrets.records import dataclass, field, replace
from fluxsecrets.repo.git.worktree import compare_with_head
from fluxsecrets.sops.formats import Limits, format_for_path

from .configfiles import why_plain
from .encrypted import detect_encryption
from .glance import Glimpse, glance
from .globs import Glob, compile_glob
from .kustomize.reading import read_kustomization
from .manifests import (
    Manifest,
    holds_no_value,
    may_hold_secret,
    read_manifests,
    searchable,
    secret_pattern,
)
from .plaincopies import PlainCopy, plain_copy
from .rulenames import Files, RuleNames, exempt
from .tree import Tree, too_large

_TAIL = 64 * 2**10
"""Bytes at the end of an encrypted file that contain its metadata."""


class SecretKind(Enum):
    """Why a file is a secret; if there are several reasons, the first of these."""

    GENERATOR = "generator"
    MANIFEST = "manifest"
    NAMED = "named"
    LISTED = "listed"
    RULED = "ruled"
    ENCRYPTED = "encrypted"
    ENCRYPTED_AT_HEAD = "encrypted-at-head"


@dataclass(frozen=True, slots=True)
class SecretFile:
    """A file that must be protected.

    Attributes:
        path: relative to the root of the tree with `/`.
        format: how to encrypt it: `yaml`, `json`, `dotenv`, `ini` or `binary`; for a generator's
            file what Flux takes it for.
        reason: for people, such as `Secret db in line 3`.
        line: 1-based line in the file: of the first Secret, or of what is wrong with it, or None.
        read_by: the kustomization file whose generator reads it, or None.
        read_line: 1-based line there.
        encrypted: its marks say that it is encrypted now; nothing was decrypted.
        encrypted_at_head: it is not encrypted now, but is at HEAD.
        plain_copy: where git has its plain text; None too where it is encrypted now.
        in_list: a Secret stands in a List, which Flux could not decrypt.
        error: it is a secret, or may be one, but cannot be handled as it stands.
    """

    path: str
    kind: SecretKind
    format: str
    reason: str
    line: int | None = None
    read_by: str | None = None
    read_line: int | None = None
    encrypted: bool = False
    encrypted_at_head: bool = False
    plain_copy: PlainCopy | None = None
    in_list: bool = False
    error: FluxsecretsError | None = field(default=None, compare=False)


Spread = Callable[[Callable[[str], SecretFile | None], Sequence[str]], Iterable[SecretFile | None]]
"""Do the same work on many things, as `map` does, possibly in several processes.

The results are in the order of the jobs. The work can be pickled, and raises nothing.
"""


def discover(
    tree: Tree,
    *,
    paths: Collection[str] | None = None,
    extra: Sequence[str] | None = None,
    spread: Spread = map,
) -> tuple[SecretFile, ...]:
    """All secrets of a tree.

    Args:
        tree: the repository or folder; with its git repository, HEAD is looked at too.
        paths: only these files are judged, such as an environment's; generators are read from
            kustomization files anywhere in the tree all the same. None means all.
        extra: globs of files that are secrets too, see `compile_glob`; None means those that the tree's
            `.fluxsecrets.yaml` lists.
        spread: how the files are looked at; by default one after the other.

    Returns:
        Sorted by path, each file once. Symbolic links are not in it: what they stand for has a name
        of its own, or lies outside.

    Raises:
        GitError: HEAD cannot be read.
        ConfigError: `.fluxsecrets.yaml` is invalid.
    """
    if extra is None:
        from .settings import load_settings

        extra = load_settings(tree).secrets
    chosen = tree.files if paths is None else frozenset(paths)
    wanted = [path for path in tree.paths if path in chosen]
    generated, broken = read_generators(tree)
    rules = RuleNames(Files(str(tree.root), tree.paths, tree.planned))
    judge = _Judge(tree, generated, [compile_glob(pattern) for pattern in extra], rules)
    found = {item.path: item for item in broken if item.path in chosen}
    found.update((item.path, item) for item in _broken_rules(rules, wanted))
    unknown = [path for path in wanted if path not in found]
    found.update((item.path, item) for item in spread(judge.look, unknown) if item is not None)
    plain = [path for path in wanted if path not in found or not found[path].encrypted]
    for item in _in_git(tree, plain, found):
        found[item.path] = item
    unlocked = _unlocked(tree, found)
    return tuple(found[path] for path in sorted(found) if path not in unlocked)


def _unlocked(tree: Tree, found: Mapping[str, SecretFile]) -> frozenset[str]:
    """Those that git-crypt looks after; most repositories have none, as their attributes tell."""
    if tree.repository is None or not any(path.endswith(".gitattributes") for path in tree.paths):
        return frozenset()
    from .gitcrypt import unlocked_files

    return unlocked_files(tree.repository, [path for path in found if not found[path].encrypted])


def is_chart_template(tree: Tree, path: str) -> bool:
    """Whether a file lies under `templates/` beside a `Chart.yaml`."""
    return any(chart in tree.files for chart in chart_files(path))


@dataclass(frozen=True, slots=True)
class GeneratorUse:
    """How a generator reads a file.

    Attributes:
        format: what Flux takes the file for.
        by: the kustomization file.
        line: 1-based line of the reference in it.
        conflict: what another one takes it for, in words, or None.
    """

    format: str
    by: str
    line: int
    conflict: str | None = None

    def error(self, path: str) -> ConfigError | None:
        """The error for a conflict."""
        if self.conflict is None:
            return None
        return ConfigError(
            f"generators read this file {self.conflict}",
            hint="Flux decrypts it once: give the keys names with the same suffix",
            path=path,
        )


def read_generators(tree: Tree) -> tuple[dict[str, GeneratorUse], list[SecretFile]]:
    """The files that generators read, and the kustomization files that could not be understood."""
    found: dict[str, GeneratorUse] = {}
    broken: list[SecretFile] = []
    for path in filter(is_kustomization, tree.paths):
        try:
            if tree.size(path) is None:
                continue
            data = tree.read(path)
            if b"secretGenerator" not in searchable(data):
                continue
            generators = read_kustomization(data, path, tree).generators
        except FluxsecretsError as error:
            reason = "its secretGenerator cannot be read"
            broken.append(SecretFile(path, SecretKind.GENERATOR, "yaml", reason, error.line, error=error))
            continue
        for source in (each for generator in generators for each in generator.files):
            place = tree.locate(source.path)
            if place is None or place not in tree.files:
                continue
            known = found.setdefault(place, GeneratorUse(source.format, path, source.line))
            if known.format != source.format:
                first, second = f"{known.by}:{known.line}", f"{path}:{source.line}"
                conflict = f"as {known.format} by {first}, as {source.format} by {second}"
                found[place] = replace(known, conflict=conflict)
    return found, broken


@dataclass(frozen=True, slots=True)
class _Judge:
    """Looks at one file after the other."""

    tree: Tree
    generated: Mapping[str, GeneratorUse]
    listed: Sequence[Glob]
    rules: RuleNames

    def look(self, path: str) -> SecretFile | None:
        """The verdict on a file, or None if it is not a secret."""
        try:
            return self._judge(path)
        except FluxsecretsError as error:
            return self._unread(path, error)

    def _judge(self, path: str) -> SecretFile | None:
        size = self.tree.size(path)
        if not size:  # a symbolic link, or nothing in it
            return None
        verdict = self._by_name(path)
        if size > self.tree.limits.size:
            return self._large(path, size, verdict)
        data = self._content(path, size, verdict)
        encrypted = detect_encryption(data, path)
        if verdict is None or verdict.kind is not SecretKind.GENERATOR:
            manifest = self._manifest(path, data, encrypted)
            if manifest is not None:
                return manifest
            if verdict is not None and encrypted is None and holds_no_value(path, data, self.tree.limits):
                return None
        if verdict is not None and verdict.kind is SecretKind.RULED and (encrypted or exempt(path, data)):
            verdict = None
        if verdict is None and encrypted is not None:
            verdict = SecretFile(path, SecretKind.ENCRYPTED, encrypted, "encrypted")
        if verdict is None or not data.strip():
            return None
        return replace(verdict, encrypted=encrypted is not None)

    def _by_name(self, path: str) -> SecretFile | None:
        """The verdict by the name alone, without the content."""
        if why_plain(PurePosixPath(path)) is not None:
            return None
        read = self.generated.get(path)
        if read is not None:
            reason = f"read by the secretGenerator in {read.by}"
            return SecretFile(
                path,
                SecretKind.GENERATOR,
                read.format,
                reason,
                read_by=read.by,
                read_line=read.line,
                error=read.error(path),
            )
        left = is_leftover_name(path)
        if left or is_secret_name(path):
            reason = LEFTOVER if left else "its name says so"
            return SecretFile(path, SecretKind.NAMED, format_for_path(path), reason)
        if any(glob.matches(path) for glob in self.listed):
            return SecretFile(path, SecretKind.LISTED, format_for_path(path), "listed in .fluxsecrets.yaml")
        with suppress(FluxsecretsError):  # rules that cannot be read are in the result themselves
            if reason := self.rules.secret(path):
                return SecretFile(path, SecretKind.RULED, format_for_path(path), reason)
        return None

    def _content(self, path: str, size: int, by_name: SecretFile | None) -> bytes:
        """The whole file, or only the end of a large binary one, where sops puts its metadata."""
        if by_name is None and size > 4 * _TAIL and format_for_path(path) == "binary":
            head = self.tree.read(path, head=1)
            return head + b"\n" + self.tree.read(path, tail=_TAIL) if head == b"{" else b""
        return self.tree.read(path)

    def _manifest(self, path: str, data: bytes, encrypted: str | None) -> SecretFile | None:
        if (
            not path.lower().endswith(MANIFEST_SUFFIXES)
            or not may_hold_secret(data)
            or is_chart_template(self.tree, path)
        ):
            return None
        name = format_for_path(path.lower())  # Flux finds the block in a manifest under any name
        try:
            manifests = _manifests_of(data, path, self.tree.limits)
        except FluxsecretsError as error:
            reason = "may hold a Secret, but cannot be parsed"
            return SecretFile(
                path,
                SecretKind.MANIFEST,
                name,
                reason,
                error.line,
                encrypted=encrypted is not None,
                error=error,
            )
        secrets = [item for item in manifests if item.is_secret and item.has_data]
        if not secrets:
            return None
        return SecretFile(
            path,
            SecretKind.MANIFEST,
            name,
            _describe(secrets),
            secrets[0].line,
            encrypted=all(secret.has_sops for secret in secrets),
            in_list=any(secret.in_list for secret in secrets),
            error=_half_encrypted(path, manifests, secrets),
        )

    def _large(self, path: str, size: int, by_name: SecretFile | None) -> SecretFile | None:
        """Search a file over the limit instead of reading it; one that may be a secret is an error."""
        error = too_large(path, size, self.tree.limits)
        if by_name is not None:
            return replace(by_name, error=error)
        if not path.lower().endswith(MANIFEST_SUFFIXES) or is_chart_template(self.tree, path):
            return None
        if not self.tree.search(path, secret_pattern()):
            return None
        return SecretFile(
            path,
            SecretKind.MANIFEST,
            format_for_path(path),
            "may hold a Secret, but is too large",
            error=error,
        )

    def _unread(self, path: str, error: FluxsecretsError) -> SecretFile | None:
        """The verdict on a file that cannot be read: an error if its name or place makes it a candidate."""
        by_name = self._by_name(path)
        if by_name is not None:
            return replace(by_name, error=error)
        if path.lower().endswith(MANIFEST_SUFFIXES):
            return SecretFile(
                path,
                SecretKind.MANIFEST,
                format_for_path(path),
                "may hold a Secret, but cannot be read",
                error=error,
            )
        return None


def _broken_rules(rules: RuleNames, paths: Iterable[str]) -> Iterator[SecretFile]:
    """The `.sops.yaml` files that cannot be read; which files they name is unknown."""
    for config, error in rules.broken(paths):
        reason = "nobody knows which files its rules name"
        yield SecretFile(config, SecretKind.RULED, "yaml", reason, error.line, error=error)


def _manifests_of(data: bytes, path: str, limits: Limits) -> Sequence[Manifest | Glimpse]:
    """The Kubernetes objects of a file; raises as `read_manifests`."""
    glimpses = glance(data, limits)
    return read_manifests(data, path, limits).manifests if glimpses is None else glimpses


def _describe(secrets: Sequence[Manifest | Glimpse]) -> str:
    first = secrets[0]
    name = ascii(first.name)[1:-1] if first.name else "without a name"
    more = f" and {len(secrets) - 1} more" if len(secrets) > 1 else ""
    return f"Secret {name}{more}"


def _half_encrypted(
    path: str, manifests: Sequence[Manifest | Glimpse], secrets: Sequence[Manifest | Glimpse]
) -> FluxsecretsError | None:
    """Plain documents beside encrypted ones: neither sops nor Flux reports them."""
    plain = [secret for secret in secrets if not secret.has_sops]
    if not plain or not any(manifest.has_sops for manifest in manifests):
        return None
    return UnprotectedError(
        f"Secret {plain[0].name!a} is plain text beside encrypted documents",
        hint="move it to a file of its own, or decrypt the file, and encrypt again",
        path=path,
        line=plain[0].line,
    )


def _in_git(tree: Tree, plain: Sequence[str], found: Mapping[str, SecretFile]) -> Iterator[SecretFile]:
    """Those that are encrypted at HEAD, whatever else makes them secrets, or that git has in plain text."""
    if tree.repository is None:
        return
    comparison = compare_with_head(tree.repository, plain)
    changed = [path for path in plain if path in comparison.changed]
    head = tree.repository.read_head_blobs(changed, limit=tree.limits.size)
    for path in plain:
        known = found.get(path)
        copy = None if known is None else plain_copy(path, comparison, head.contents, tree.limits)
        if known is not None and copy is not None:
            known = replace(known, plain_copy=copy)
            yield known
        if path not in comparison.changed:
            continue
        blob = head.contents.get(path)
        name = None if blob is None else detect_encryption(blob, path)
        error: FluxsecretsError | None = None
        if path in head.too_large and path not in found and format_for_path(path) != "binary":
            error = LimitError(
                "too large at HEAD to tell whether it was encrypted", hint="split the file", path=path
            )
        if name is None and error is None:
            continue
        if known is not None:
            yield replace(known, encrypted_at_head=True)
            continue
        try:
            if not tree.size(path) or holds_no_value(path, tree.read(path), tree.limits):
                continue
        except FluxsecretsError as problem:
            error = problem
        reason = "encrypted at HEAD, and not here"
        yield SecretFile(
            path,
            SecretKind.ENCRYPTED_AT_HEAD,
            name or format_for_path(path),
            reason,
            encrypted_at_head=name is not None,
            error=error,
        )
