"""The text that a tree gives with the values of its variables.

Follows template.go of fluxcd/pkg's envsubst.
"""

from __future__ import annotations

from collections.abc import Mapping

from fluxsecrets.errors import FormatError, LimitError
from fluxsecrets.records import dataclass, field

from .functions import MOST_MADE, apply
from .parse import Call, Node, has_default


@dataclass(frozen=True, slots=True)
class Evaluated:
    """What became of a text. It may hold secrets: not in the repr.

    Attributes:
        text: with the variables replaced; those without a value by nothing.
        missing: the variables without a value that had no default, in the order in which they are met. In
            strict mode the first of them is an error.
        failure: what stopped it behind these, or "".
    """

    text: str = field(repr=False)
    missing: tuple[str, ...] = field(default=(), repr=False)
    failure: str = ""


def evaluate(nodes: tuple[Node, ...], values: Mapping[str, str], opaque: str = "") -> Evaluated:
    """Replace the variables.

    Args:
        nodes: of `parse`.
        values: of the variables.
        opaque: a text in the place of what is not known. A function of such a text gives that text.

    Raises:
        LimitError: it would take too long.
    """
    run = _Run(values, opaque)
    try:
        return Evaluated(run.text(nodes), tuple(dict.fromkeys(run.missing)))
    except FormatError as error:
        return Evaluated("", tuple(dict.fromkeys(run.missing)), error.message)


class _Run:
    def __init__(self, values: Mapping[str, str], opaque: str) -> None:
        self.values = values
        self.opaque = opaque
        self.missing: list[str] = []
        self.made = 0

    def text(self, nodes: tuple[Node, ...]) -> str:
        return "".join(map(self.one, nodes))

    def one(self, node: Node) -> str:
        if isinstance(node, str):
            return node
        made = self.call(node)
        self.made += len(made)
        if self.made > MOST_MADE:
            raise LimitError(f"a text grows to more than {MOST_MADE} characters")
        return made

    def call(self, node: Call) -> str:
        arguments = [self.one(argument) for argument in node.arguments]
        value = self.values.get(node.variable)
        is_default = has_default(node)
        if value is None and not is_default:
            self.missing.append(node.variable)
        value = value or ""
        is_opaque = self.opaque and any(self.opaque in text for text in (value, *arguments))
        if is_opaque and node.function and not is_default:
            return self.opaque
        return apply(node.function, value, arguments)
