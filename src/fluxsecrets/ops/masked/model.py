"""What is asked for, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from fluxsecrets.errors import FluxsecretsError


@dataclass(frozen=True, slots=True)
class MaskOptions:
    """How a tree is masked.

    Attributes:
        environment: only files of this environment, and those of none; None for all.
        as_is: SealedSecrets and ExternalSecrets stay what they are.
        stable: placeholders are the same in every run with the same identities.
        show_values: encrypted files are decrypted instead. Nothing that is plain text gets hidden.
    """

    environment: str | None = None
    as_is: bool = False
    stable: bool = False
    show_values: bool = False


@dataclass(frozen=True, slots=True)
class Remark:
    """Something to know of a file of the tree.

    Attributes:
        path: relative to the root of the repository with `/`.
        text: lower-case start, no full stop; the same text for all files that it is true of.
    """

    path: str
    text: str


@dataclass(frozen=True, slots=True)
class MaskedFile:
    """What became of one file.

    Attributes:
        data: its masked content; None if it is left out.
        values: how many values became placeholders, made from the values.
        closed: how many were made from the ciphertext, since no identity decrypts the file.
        stand_ins: how many SealedSecrets and ExternalSecrets became Secrets.
        remarks: what to know, without values.
        problem: what is wrong with the file; it is left out, or masked by its ciphertexts.
    """

    path: str
    data: bytes | None = field(default=None, repr=False)
    values: int = 0
    closed: int = 0
    stand_ins: int = 0
    remarks: tuple[str, ...] = ()
    problem: FluxsecretsError | None = None


@dataclass(frozen=True, slots=True)
class MaskedTree:
    """What became of one state of the repository.

    Attributes:
        name: the state: `the work tree`, or the revision as it was named.
        files: how many files the tree has.
        masked: what became of those with secrets.
        remarks: on files that are left out.
    """

    name: str
    files: int
    masked: tuple[MaskedFile, ...]
    remarks: tuple[Remark, ...] = ()

    @property
    def problems(self) -> tuple[FluxsecretsError, ...]:
        """What is wrong with files."""
        return tuple(each.problem for each in self.masked if each.problem is not None)


@dataclass(frozen=True, slots=True)
class Masked:
    """All trees of a run.

    Attributes:
        trees: in the order in which they were named.
        with_values: encrypted files are plain text in them.
        output: the folder that was written; None if a command is run.
    """

    trees: tuple[MaskedTree, ...]
    with_values: bool = False
    output: str | None = None

    @property
    def exit_code(self) -> int:
        """1 if a file could not be masked as it should."""
        return 1 if any(each.problems for each in self.trees) else 0
