"""What a tool takes: each parameter has a JSON Schema, and checks its argument by the same facts."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fluxsecrets.errors import UsageError

from .confinement import Confinement

LONGEST_PATH = 1000
LONGEST_NAME = 200
_MOST_PATHS = 100

_REVISION = re.compile(r"(?!-)[A-Za-z0-9_./@{}^~+-]{1,200}", re.ASCII)
_NAME = re.compile(r"(?!-)[A-Za-z0-9_.-]{1,200}", re.ASCII)

Schema = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One parameter of a tool.

    Attributes:
        name: as the agent writes it.
        about: what it is, for the agent.
        required: whether a call must have it.
    """

    name: str
    about: str
    required: bool = False

    @property
    def schema(self) -> Schema:
        """Its JSON Schema."""
        return {**self.form(), "description": self.about}

    def form(self) -> Schema:
        """Return the schema of its arguments, without the description."""
        raise NotImplementedError

    def default(self) -> object:
        """Return what counts if the call does not have it."""
        return None

    def read(self, value: object, confinement: Confinement) -> object:
        """Return an argument after checking it.

        Raises:
            UsageError: it does not fit the schema, or names something that no tool may touch.
            FileAccessError: a path leads out of the repository.
        """
        raise NotImplementedError

    def refusal(self, expected: str) -> UsageError:
        """Return the error for an argument of another form. The argument is not repeated."""
        return UsageError(f"{self.name} must be {expected}", hint="see the tool's input schema")


@dataclass(frozen=True, slots=True, kw_only=True)
class Text(Parameter):
    """A printable text."""

    longest: int = LONGEST_NAME

    def form(self) -> Schema:
        """Return the schema."""
        return {"type": "string", "minLength": 1, "maxLength": self.longest}

    def read(self, value: object, confinement: Confinement) -> object:
        """Return the argument, checked."""
        if not isinstance(value, str) or not 1 <= len(value) <= self.longest:
            raise self.refusal(f"a text of 1 to {self.longest} characters")
        if not value.isprintable():
            raise self.refusal("a text without control characters")
        return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Name(Text):
    """A name, such as an environment's."""

    def form(self) -> Schema:
        """Return the schema."""
        return {"type": "string", "pattern": f"^{_NAME.pattern}$"}

    def read(self, value: object, confinement: Confinement) -> object:
        """Return the argument, checked."""
        if not isinstance(value, str) or _NAME.fullmatch(value) is None:
            raise self.refusal("a name of letters, digits, dots, dashes and underscores")
        return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision(Text):
    """A commit or a range of commits. Words that git takes for options are not among them."""

    def form(self) -> Schema:
        """Return the schema."""
        return {"type": "string", "pattern": f"^{_REVISION.pattern}$"}

    def read(self, value: object, confinement: Confinement) -> object:
        """Return the argument, checked."""
        if not isinstance(value, str) or _REVISION.fullmatch(value) is None:
            raise self.refusal("a commit such as HEAD~1, or a range such as main..HEAD")
        return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Path(Text):
    """A file or folder of the repository, relative to its root."""

    def form(self) -> Schema:
        """Return the schema."""
        return {"type": "string", "minLength": 1, "maxLength": LONGEST_PATH}

    def read(self, value: object, confinement: Confinement) -> object:
        """Return the argument, checked."""
        if not isinstance(value, str) or not 1 <= len(value) <= LONGEST_PATH:
            raise self.refusal(f"a text of 1 to {LONGEST_PATH} characters")
        return confinement.inside(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Several(Parameter):
    """Several arguments of one kind.

    Attributes:
        of: the kind.
        most: how many there may be.
    """

    of: Parameter
    most: int = _MOST_PATHS

    def form(self) -> Schema:
        """Return the schema."""
        return {"type": "array", "items": self.of.form(), "maxItems": self.most}

    def default(self) -> object:
        """Return what counts without an argument."""
        return ()

    def read(self, value: object, confinement: Confinement) -> object:
        """Return the argument, checked."""
        if not isinstance(value, list) or len(value) > self.most:
            raise self.refusal(f"a list of at most {self.most} items")
        return tuple(self.of.read(each, confinement) for each in value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice(Parameter):
    """One of a few words.

    Attributes:
        first: the one that counts by default; None if none does.
    """

    choices: tuple[str, ...]
    first: str | None = None

    def form(self) -> Schema:
        """Return the schema."""
        return {
            "type": "string",
            "enum": list(self.choices),
            **({} if self.first is None else {"default": self.first}),
        }

    def default(self) -> object:
        """Return what counts without an argument."""
        return self.first

    def read(self, value: object, confinement: Confinement) -> object:
        """Return the argument, checked."""
        if not isinstance(value, str) or value not in self.choices:
            raise self.refusal(f"one of {', '.join(self.choices)}")
        return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch(Parameter):
    """True or false; false by default."""

    def form(self) -> Schema:
        """Return the schema."""
        return {"type": "boolean", "default": False}

    def default(self) -> object:
        """Return what counts without an argument."""
        return False

    def read(self, value: object, confinement: Confinement) -> object:
        """Return the argument, checked."""
        if not isinstance(value, bool):
            raise self.refusal("true or false")
        return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Number(Parameter):
    """A whole number between two, which are included."""

    least: int
    most: int
    first: int | None = None

    def form(self) -> Schema:
        """Return the schema."""
        bounds = {"type": "integer", "minimum": self.least, "maximum": self.most}
        return bounds if self.first is None else {**bounds, "default": self.first}

    def default(self) -> object:
        """Return what counts without an argument."""
        return self.first

    def read(self, value: object, confinement: Confinement) -> object:
        """Return the argument, checked."""
        # JSON has one kind of number, so that 5.0 is whole, and Python takes True for 1.
        whole = int(value) if isinstance(value, float) and value.is_integer() else value
        if not isinstance(whole, int) or isinstance(whole, bool) or not self.least <= whole <= self.most:
            raise self.refusal(f"a whole number from {self.least} to {self.most}")
        return whole


def schema_of(parameters: Sequence[Parameter]) -> Schema:
    """Return the JSON Schema of a tool's arguments."""
    return {
        "type": "object",
        "properties": {each.name: each.schema for each in parameters},
        "required": [each.name for each in parameters if each.required],
        "additionalProperties": False,
    }


def read_arguments(
    parameters: Sequence[Parameter], given: Mapping[str, object], confinement: Confinement
) -> dict[str, Any]:
    """Return the checked arguments of a call by name, with defaults in place of missing ones.

    Raises:
        UsageError: one is missing, unknown or malformed.
        FileAccessError: a path leads out of the repository.
    """
    if given.keys() - {each.name for each in parameters}:
        names = ", ".join(each.name for each in parameters) or "nothing"
        raise UsageError("the call has an unknown argument", hint=f"the tool takes {names}")
    found: dict[str, Any] = {}
    for each in parameters:
        if given.get(each.name) is not None:
            found[each.name] = each.read(given[each.name], confinement)
        elif each.required:
            raise UsageError(f"the argument {each.name} is missing", hint="see the tool's input schema")
        else:
            found[each.name] = each.default()
    return found
