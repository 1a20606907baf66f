"""What a tool is: a name, what it takes, what it gives, and the function that runs an operation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from fluxsecrets.ops.run.session import Session
from fluxsecrets.report.page import Page

from .answers import DEFAULT_LIMIT, MOST, Paging
from .outline import outline
from .parameters import Number, Parameter, Schema, schema_of

_PAGING = (
    Number(name="offset", about="Skip this many items of the main list.", least=0, most=1_000_000, first=0),
    Number(name="limit", about="Return at most this many items.", least=1, most=MOST, first=DEFAULT_LIMIT),
)

DRY_RUN = "dry_run"


@dataclass(frozen=True, slots=True)
class Tool:
    """One tool. Its texts are static: nothing of a repository is in them.

    Attributes:
        name, title, about: for the agent, and for the person who watches it.
        command: whose JSON output it gives; the log has this name, too.
        gives: the type of that output in `report.wire`.
        run: runs one operation, and returns its JSON page.
        parameters: what it takes.
        paged: the main list in the data; None if there is none.
        trim: leaves out of the data what an agent has no use for.
        writes: it changes files.
        overwrites: what it changes is gone from the file.
        opens: identities are used. Without, nothing is decrypted, so that nothing in an answer depends on a
            value: a tool that evaluates manifests would compute with values whatever an agent writes there.
        needs_key: without an identity it can do nothing.
    """

    name: str
    title: str
    about: str
    command: str
    gives: type
    run: Callable[[Session, Mapping[str, Any]], Page]
    parameters: tuple[Parameter, ...] = ()
    paged: str | None = None
    trim: Callable[[dict[str, Any]], dict[str, Any]] = field(default=lambda data: data)
    writes: bool = False
    overwrites: bool = False
    opens: bool = False
    needs_key: bool = False

    @property
    def all_parameters(self) -> tuple[Parameter, ...]:
        """What it takes, paging included."""
        return self.parameters if self.paged is None else (*self.parameters, *_PAGING)

    @property
    def input_schema(self) -> Schema:
        """The JSON Schema of its arguments."""
        return schema_of(self.all_parameters)

    @property
    def data_schema(self) -> Schema:
        """The JSON Schema of its data."""
        return outline(self.gives)

    def paging(self, arguments: Mapping[str, Any]) -> Paging:
        """Return which part of the main list is asked for."""
        return Paging() if self.paged is None else Paging(arguments["offset"], arguments["limit"])
