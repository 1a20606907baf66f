"""What is found while a folder is built."""

from __future__ import annotations

from collections.abc import Iterable

from fluxsecrets.repo.objects import Object
from fluxsecrets.repo.outcome import Effect, Outcome
from fluxsecrets.repo.tree import UNREADABLE, Note, Tree

from .built import Built, Cycle
from .identity import Identity, duplicates, shown
from .kustomizationfile import KustomizationFile, Reference


class Record:
    """Files, notes and outcomes of a folder that is being built.

    Attributes:
        tree: the files that reach Flux.
        incomplete: some objects are not known, so that what follows from it is not reported on its own.
    """

    def __init__(self, tree: Tree) -> None:
        """Take the files that reach Flux."""
        self.tree = tree
        self.files: set[str] = set()
        self.decrypted_as: dict[str, str] = {}
        self.notes: dict[Note, None] = {}
        self.cycles: dict[Cycle, None] = {}
        self.outcomes: dict[Outcome, None] = {}
        self.incomplete = False

    def note(self, note: Note) -> None:
        """Keep a note, once."""
        self.notes[note] = None

    def fails(self, behaviour: str, reason: str, path: str | None, line: int | None, hint: str = "") -> None:
        """Note that kustomize refuses something."""
        self.outcomes[Outcome(Effect.FAILS, behaviour, reason, path, line, hint)] = None
        self.incomplete = True  # what follows from it is not reported on its own

    def unknown(self, behaviour: str, reason: str, path: str | None, line: int | None) -> None:
        """Note that what kustomize does is not known."""
        self.outcomes[Outcome(Effect.UNKNOWN, behaviour, reason, path, line)] = None
        self.incomplete = True

    def unreadable(self, outcome: Outcome) -> None:
        """A kustomization file that cannot be read."""
        path = outcome.path or ""
        self.note(Note(path, outcome.line, f"{UNREADABLE}{outcome.reason}", warning=True))
        if path in self.tree.files:
            self.files.add(path)
        self.outcomes[outcome] = None
        self.incomplete = True

    def no_duplicates(
        self, added: Iterable[Object], known: set[Identity], file: KustomizationFile, line: int
    ) -> None:
        """Objects that are there already; `known` has the identities of all before, and gets the new ones."""
        for item in duplicates(added, known):
            reason = f"may not add resource with an already registered id: {shown(item)}"
            path = item.file if item.file in self.tree.files else file.path
            if not any(each.behaviour == "duplicate-id" for each in self.outcomes):
                self.fails("duplicate-id", reason, path, item.line if path == item.file else line)

    def join(self, file: KustomizationFile, reference: Reference, built: Built) -> None:
        """Take over what was found in another folder."""
        self.files |= built.files
        self.incomplete |= built.incomplete
        for note in built.notes:
            self.note(note)
        for cycle in built.cycles:
            self.cycles[cycle] = None
        for outcome in built.outcomes:
            self.outcomes[outcome] = None
        for path, format_ in built.decrypted_as.items():
            known = self.decrypted_as.setdefault(path, format_)
            if known != format_:
                message = f"{path!a} is read as {format_} here, and as {known} elsewhere"
                self.note(Note(file.path, reference.line, message))

    def built(self, objects: Iterable[Object]) -> Built:
        """What there is by now."""
        return Built(
            tuple(objects),
            frozenset(self.files),
            self.decrypted_as,
            tuple(self.notes),
            tuple(self.cycles),
            tuple(self.outcomes),
            self.incomplete,
        )
