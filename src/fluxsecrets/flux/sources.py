"""The files that Flux decrypts before it builds: those of `secretGenerator` and of `patches`.

Follows `DecryptSources` of internal/decryptor/decryptor.go. Each kustomization file that is reached through
`resources` and `components` is read once, and each file is looked at once: in the format of its first use.
What comes after that sees the decrypted files.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.marks import FLUX_MARKERS
from fluxsecrets.repo.decryption import SIZE_LIMIT, Fate, Treatment
from fluxsecrets.repo.graph import Applied
from fluxsecrets.repo.kustomize.build import Builder
from fluxsecrets.repo.kustomize.reading import kustomization_files
from fluxsecrets.repo.outcome import Effect, Outcome
from fluxsecrets.repo.tree import Tree
from fluxsecrets.repo.unknown import SIGN

from .decrypting import decrypts
from .envelopes import is_envelope
from .listing import Listings, Use, join
from .model import Cluster, SourceVerdict
from .reading import Access, changed, key_hint, not_known
from .since import COMPONENTS, PATCHES
from .sopsfiles import Emitted, decrypt_file

_PREFIX = "error decrypting sources: "
_REMOTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?#]")


@dataclass(frozen=True, slots=True)
class Sources:
    """The files of a Kustomization after that.

    Attributes:
        verdicts: each file that Flux looks at, in its order.
        contents: what the decrypted ones hold, by path; with `unknown.SIGN` for values that are not known.
            Not in the repr.
        outcomes: what stops Flux, or cannot be told.
    """

    verdicts: tuple[SourceVerdict, ...] = ()
    contents: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    outcomes: tuple[Outcome, ...] = ()


def decrypt_sources(tree: Tree, applied: Applied, cluster: Cluster, listings: Listings) -> Sources:
    """Decrypt the files of a Kustomization; what no identity opens is unknown.

    Args:
        tree: its files.
        applied: the Kustomization.
        cluster: what is known of it.
        listings: reads kustomization files.
    """
    if not decrypts(applied) or applied.folder is None:
        return Sources()
    reader = _Reader(tree, cluster, listings)
    reader.root(applied)
    return Sources(tuple(reader.verdicts), reader.contents, tuple(reader.outcomes))


def _fails(behaviour: str, reason: str, path: str, line: int | None, hint: str) -> Outcome:
    return Outcome(Effect.FAILS, behaviour, _PREFIX + reason, path, line, hint)


class _Reader:
    """The files so far. Flux stops at the first fault; the walk goes on, to find them all."""

    def __init__(self, tree: Tree, cluster: Cluster, listings: Listings) -> None:
        self.tree = tree
        self.listings = listings
        self.cluster = cluster
        self.folders: set[str] = set()
        self.files: set[str] = set()
        self.verdicts: list[SourceVerdict] = []
        self.contents: dict[str, bytes] = {}
        self.outcomes: list[Outcome] = []

    def root(self, applied: Applied) -> None:
        folder, item = applied.folder or "", applied.kustomization
        place, line = (item.file, item.line) if item is not None else (folder, 1)
        if kustomization_files(self.tree, folder):
            first = [folder]
        else:  # Flux writes one that lists what is there
            self.folders.add(folder)
            first = Builder(self.tree).scan(folder)
        first += [join(folder, component) for component in (item.components if item is not None else ())]
        # Without recursion, in the order of one: the next folder is the last of the list.
        waiting = [(path, place, line) for path in reversed(first)]
        while waiting:
            path, place, line = waiting.pop()
            waiting += reversed(tuple(self.folder(path, place, line)))

    def folder(self, folder: str, file: str, line: int) -> Iterator[tuple[str, str, int]]:
        """Read a folder's kustomization file, and return what it lists; files are no matter here."""
        if folder not in self.tree.folders or folder in self.tree.files or folder in self.folders:
            return
        self.folders.add(folder)
        found = kustomization_files(self.tree, folder)
        if not found:
            hint = f"add a kustomization file to {folder!a}, or list its files"
            reason = "no kustomization file found"
            self.outcomes.append(_fails("no-kustomization-file", reason, file, line, hint))
        elif len(found) > 1:
            reason = "found multiple kustomization files"
            hint = "remove one of them"
            self.outcomes.append(_fails("two-kustomization-files", reason, found[1], None, hint))
        else:
            listing = self.listings.of(self.tree, found[0])
            for use in listing.uses:
                if not use.is_patch or self.cluster.has(PATCHES):
                    self.use(use)
            yield from listing.resources
            if self.cluster.has(COMPONENTS):
                yield from listing.components

    def use(self, use: Use) -> None:
        if use.path in self.files:
            return
        self.files.add(use.path)
        missing = self.missing(use)
        if missing is not None:
            self.outcomes.append(missing)
            return
        try:
            data = self.tree.read(use.path)
        except FluxsecretsError as error:
            self.outcomes.append(Outcome(Effect.UNKNOWN, "decryption-not-known", error.message, use.path))
            return
        if FLUX_MARKERS[use.format] in data:
            self.decrypt(use, data)
        else:
            self.verdicts.append(_verdict(use, Treatment(Fate.APPLIED)))

    def decrypt(self, use: Use, data: bytes) -> None:
        emitted = decrypt_file(data, use.format, use.format, self.cluster)
        if emitted.data is not None or not use.is_patch:
            self.contents[use.path] = emitted.data if emitted.data is not None else SIGN.encode()
        if emitted.fails is not None:
            self.verdicts.append(_verdict(use, Treatment(Fate.FAILS, use.format, _PREFIX + emitted.fails)))
            behaviour = "no-data-key" if emitted.access is Access.CLOSED else "source-not-decrypted"
            self.outcomes.append(
                _fails(behaviour, emitted.fails, use.path, None, _hint(emitted, use, self.cluster))
            )
            return
        self.verdicts.append(_verdict(use, Treatment(Fate.DECRYPTED, use.format)))
        if emitted.doubt is not None:
            reason = f"it cannot be told what Flux makes of it: {emitted.doubt}"
            self.outcomes.append(Outcome(Effect.UNKNOWN, "decryption-not-known", reason, use.path))
        elif emitted.access is Access.NOT_KNOWN:
            self.outcomes.append(not_known(use.path, None, "it"))
        self.outcomes += changed(use.path, None, self.cluster)
        if is_envelope(use.path, use.format, emitted.data):
            self.outcomes.append(_envelope(use))

    def missing(self, use: Use) -> Outcome | None:
        """Why Flux cannot read a file."""
        if use.path in self.tree.folders and use.path not in self.tree.files:
            reason = "cannot decrypt irregular file as it has file mode type bits set"
            return _fails("source-not-a-file", reason, use.file, use.line, "name a file")
        try:
            size = self.tree.size(use.path) if use.path in self.tree.files else None
        except FluxsecretsError:
            size = None
        if size is None:  # symbolic links don't reach Flux
            reason = f"lstat {use.path}: no such file or directory"
            hint = "add the file, or correct the path; git must have it, and no ignore rule may leave it out"
            return _fails("source-missing", reason, use.file, use.line, hint)
        if size > SIZE_LIMIT:
            reason = f"cannot decrypt file with size ({size} bytes) exceeding limit ({SIZE_LIMIT})"
            hint = "split the file: Flux refuses plain files of this size as well"
            return _fails("source-too-large", reason, use.path, None, hint)
        return None


def _verdict(use: Use, treatment: Treatment) -> SourceVerdict:
    return SourceVerdict(use.path, use.file, use.line, use.format, treatment)


def _hint(emitted: Emitted, use: Use, cluster: Cluster) -> str:
    if emitted.access is Access.CLOSED:
        return key_hint(cluster, use.path)
    if "metadata not found" in (emitted.fails or ""):
        return "the text of a marker is in a plain file: encrypt the file, or change that text"
    if "failed to load" in (emitted.fails or ""):
        return f"encrypt the file in the format that Flux takes it for, which is {use.format}"
    return "restore the file from git, or encrypt it again"


def _envelope(use: Use) -> Outcome:
    return Outcome(
        Effect.ALTERED,
        "envelope-applied",
        f"{use.path!a} was encrypted as one value, and Flux decrypts it as JSON: what is applied is the JSON "
        "around the value",
        use.file,
        use.line,
        "encrypt the file again as JSON: `--input-type json`",
    )
