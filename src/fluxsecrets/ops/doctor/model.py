"""What a check of `doctor` is, and what it finds."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

from .facts import Facts


class Health(StrEnum):
    """Whether something is as it should be."""

    OK = "ok"
    PROBLEM = "problem"
    UNKNOWN = "cannot tell"


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One thing that a check found out.

    Attributes:
        message: a sentence for people, lower-case start, no full stop.
        command: a command that fixes it and works when pasted, or "".
        hint: what else to do, or "".
    """

    health: Health
    message: str
    command: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True)
class CheckInfo:
    """The texts of a check.

    Attributes:
        id: its name in JSON, such as `drivers`.
        title: what it looks at, in a few words.
    """

    id: str
    title: str


@dataclass(frozen=True, slots=True)
class Check:
    """A check: a file in `checks`.

    Attributes:
        check: yields what it found out; nothing where it does not apply. It may raise a FluxsecretsError of a
            fact: then it cannot tell.
    """

    info: CheckInfo
    check: Callable[[Facts], Iterable[Diagnosis]]


@dataclass(frozen=True, slots=True)
class Examined:
    """A check with what it found out."""

    info: CheckInfo
    diagnoses: tuple[Diagnosis, ...]


@dataclass(frozen=True, slots=True)
class Examination:
    """The results of all checks that apply, in their order."""

    checks: tuple[Examined, ...]

    def count(self, health: Health) -> int:
        """Return the number of diagnoses with a health."""
        return sum(each.health is health for one in self.checks for each in one.diagnoses)


def ok(message: str, *, hint: str = "") -> Diagnosis:
    """Return the diagnosis for something that is as it should be."""
    return Diagnosis(Health.OK, message, hint=hint)


def problem(message: str, *, command: str = "", hint: str = "") -> Diagnosis:
    """Return the diagnosis for something that is wrong or missing."""
    return Diagnosis(Health.PROBLEM, message, command, hint)


def unknown(message: str, *, hint: str = "") -> Diagnosis:
    """Return the diagnosis for something that cannot be found out."""
    return Diagnosis(Health.UNKNOWN, message, hint=hint)
