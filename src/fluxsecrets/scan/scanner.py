"""A file from any source through the engine: in pieces where it is large, and never with an exception."""

from __future__ import annotations

from pathlib import Path

from fluxsecrets.errors import FluxsecretsError, LimitError
from fluxsecrets.findings import Finding
from fluxsecrets.marks import LEFTOVER, MANIFEST_SUFFIXES, is_leftover_name, is_secret_name
from fluxsecrets.namedtuples import NamedTuple
from fluxsecrets.repo.rulenames import RuleNames, exempt, looks_ordinary

from .blob import Blob
from .ciphertexts import Shown
from .engine import Engine
from .scanned import Context, Scanned
from .sources import SourceFile
from .sources.worktree import open_file
from .valuekey import ValueKey

TYPE_CHECKING = False
if TYPE_CHECKING:  # most runs name no globs
    from fluxsecrets.repo.globs import Glob

    from .custom import CustomRules

MOST = 10_000
"""Findings in one file. Where there are more, nobody reads them, and what follows is not looked at."""

NAMED = "its name says so"
LISTED = ".fluxsecrets.yaml lists it under `secrets`"


class FileScan(NamedTuple):
    """What came of a file.

    Attributes:
        scanned: the engine's results, more than one for a file in pieces.
        error: why it was not read to its end.
    """

    path: str
    scanned: tuple[Scanned, ...] = ()
    error: FluxsecretsError | None = None
    commit: str | None = None

    @property
    def is_clean(self) -> bool:
        """Nothing in it depends on where the file is: nothing was found, allowed, referred to or left out."""
        return self.error is None and all(
            not (each.findings or each.allowances or each.ciphertexts or each.generated or each.problem)
            for each in self.scanned
        )

    @property
    def is_silent(self) -> bool:
        """Nothing is to be said of it but that it was scanned: it is clean, in plain text and not empty."""
        return self.error is None and self.scanned == (Scanned(self.path),)

    @property
    def shown(self) -> Shown:
        """Its ciphertexts, and the keys that all of them have."""
        items = [each for scanned in self.scanned for each in scanned.ciphertexts]
        keys = frozenset.intersection(*(each.keys for each in items)) if items else frozenset()
        return Shown(frozenset(each.digest for each in items), keys)

    @property
    def is_sealed(self) -> bool:
        """Nothing is to be said of it but that it is encrypted, with which ciphertexts."""
        if self.error is not None or len(self.scanned) != 1:
            return False
        only = self.scanned[0]
        return only == Scanned(self.path, ciphertexts=only.ciphertexts, encrypted=True)

    def moved(self, path: str) -> FileScan:
        """The same for another path."""
        return self._replace(path=path, scanned=tuple(each._replace(path=path) for each in self.scanned))


def sealed(path: str) -> FileScan:
    """The result for an encrypted file of which nothing else is to be said."""
    return FileScan(path, (Scanned(path, encrypted=True),))


class Scanner:
    """Scans files; a copy of it in another process makes its own engine."""

    def __init__(
        self,
        cache: Path | None,
        secrets: tuple[str, ...] = (),
        rules: RuleNames | None = None,
        engine: Engine | None = None,
        key: ValueKey | None = None,
        custom: CustomRules | None = None,
    ) -> None:
        """Take what it needs.

        Args:
            cache: the folder for compiled patterns, or None.
            secrets: globs of files that are secrets as a whole.
            rules: the creation rules, which may name more of these; None asks none.
            engine: one to use; made with the first file unless given.
            key: that of the run, by which values are told apart; the engine's unless given.
            custom: rules of the team, or None.
        """
        self._arguments = (cache, secrets, rules)
        self._custom = custom
        self._engine = engine.with_custom(custom) if engine is not None else None
        self._key = key or (ValueKey() if engine is None else engine.key)
        self._patterns: tuple[Glob, ...] | None = None
        self._asked = False
        self._ordinary: dict[str, bool] = {}
        # Histories have thousands of versions of a file.
        self._wholes: dict[str, str] = {}
        self._reasons: dict[str, str] = {}

    def __reduce__(self) -> tuple[object, ...]:
        """Compiled patterns do not travel; the key of the run does."""
        return (Scanner, (*self._arguments, None, self._key, self._custom))

    @property
    def engine(self) -> Engine:
        """The engine."""
        if self._engine is None:
            self._engine = Engine(self._arguments[0], key=self._key, custom=self._custom)
        return self._engine

    def scan(self, file: SourceFile) -> FileScan:
        """Everything in a file; what stands in the way is in the result."""
        if file.error is not None:
            return FileScan(file.path, error=file.error, commit=file.commit)
        found: list[Scanned] = []
        seen: set[tuple[str, int | None, int | None]] = set()
        error = None
        try:
            context = Context(self._whole(file.path), self._ruled)
            count = 0
            for blob in file.blobs:
                scanned = self.engine.scan(blob, context)
                found.append(_without(scanned, seen) if blob.part else scanned)
                count += len(found[-1].findings)
                if count > MOST:
                    found[-1] = found[-1]._replace(findings=found[-1].findings[: MOST - count])
                    raise LimitError(
                        f"has more than {MOST:,} findings, so the rest was not scanned",
                        hint="take it out of the repository, or encrypt it as a whole",
                    )
        except FluxsecretsError as problem:
            error = problem.in_file(file.path)
        return FileScan(file.path, tuple(found), error, file.commit)

    def is_ordinary(self, path: str, data: bytes) -> bool:
        """Whether neither the name of a file nor a rule says that it is a secret as a whole."""
        if self._custom is not None and self._custom.goes_by_path:
            return False
        try:
            return not self._whole(path) and not self._ruled(Blob(path, data))
        except FluxsecretsError:
            return False

    def has_ordinary_name(self, path: str) -> bool:
        """Whether nothing but its content can make a file with this name a secret."""
        known = self._ordinary.get(path)
        if known is None:
            rules = self._arguments[2]
            try:
                known = not self._whole(path) and (rules is None or not rules.secret(path))
            except FluxsecretsError:
                known = False
            self._ordinary[path] = known
        return known

    def _ruled(self, blob: Blob) -> str:
        """Why a plain file is a secret by a narrow creation rule, or "".

        Raises:
            FluxsecretsError: the rules cannot be read.
        """
        rules = self._arguments[2]
        if rules is None:
            return ""
        if not self._asked and blob.path.lower().endswith(MANIFEST_SUFFIXES) and looks_ordinary(blob.data):
            return ""  # it is exempt, and most commits need no rules at all
        self._asked = True
        reason = self._reasons.get(blob.path)
        if reason is None:
            reason = self._reasons[blob.path] = rules.secret(blob.path)
        return "" if reason and exempt(blob.path, blob.data) else reason

    def _whole(self, path: str) -> str:
        """Why a file is a secret as a whole, or ""."""
        known = self._wholes.get(path)
        if known is None:
            known = self._wholes[path] = self._by_name(path)
        return known

    def _by_name(self, path: str) -> str:
        if is_leftover_name(path):
            return LEFTOVER
        if is_secret_name(path):
            return NAMED
        if self._patterns is None:
            self._patterns = _compiled(self._arguments[1])
        return LISTED if any(glob.matches(path) for glob in self._patterns) else ""


def scan_path(scanner: Scanner, root: str, limit: int, path: str) -> FileScan | None:
    """A file of the work tree, or None where it is a link or no file.

    Files over `limit` bytes come in pieces.
    """
    file = open_file(root, path, limit)
    return None if file is None else scanner.scan(file)


def _without(scanned: Scanned, seen: set[tuple[str, int | None, int | None]]) -> Scanned:
    """A piece's result without what was found in the one before: they overlap."""
    fresh: list[Finding] = []
    for finding in scanned.findings:
        place = (finding.rule, finding.location.line, finding.location.column)
        if place not in seen:
            seen.add(place)
            fresh.append(finding)
    return scanned._replace(findings=tuple(fresh))


def _compiled(globs: tuple[str, ...]) -> tuple[Glob, ...]:
    if not globs:
        return ()
    from fluxsecrets.repo.globs import compile_glob

    return tuple(map(compile_glob, globs))
