"""JSON as the light nodes of `reader`, read by the JSON reader; what sops would refuse is looked at, too."""

from __future__ import annotations

from fluxsecrets.errors import FluxsecretsError
from fluxsecrets.sops.jsontokens import SIGN, STRING, JsonScanner

from .reader import MAX_DEPTH, List, Map, Node, Scalar


def read_json(text: str) -> Node | None:
    """Return the root of a JSON text, duplicate keys included; None for all else, and if it is too deep."""
    tokens = JsonScanner(text)
    try:
        root = _Reader(tokens).value()
        return root if tokens.at_end() else None
    except FluxsecretsError:
        return None


class _Reader:
    """Reads one value. It recurses, up to the depth that the scanner takes."""

    def __init__(self, tokens: JsonScanner) -> None:
        self.tokens = tokens
        self.depth = 0
        self.line, self.line_start = 1, 0

    def value(self) -> Node:
        """Read a value with all below it."""
        self.tokens.next()
        return self.here()

    def here(self) -> Node:
        """Read the value that starts with the current token."""
        tokens = self.tokens
        if tokens.kind != SIGN:
            return self.scalar()
        self.depth += 1
        if tokens.text not in ("{", "[") or self.depth > MAX_DEPTH:
            raise tokens.unexpected("a value")
        made = self.map() if tokens.text == "{" else self.list()
        self.depth -= 1
        return made

    def map(self) -> Map:
        tokens = self.tokens
        made = Map(tokens.line)
        sign = tokens.next()
        while sign != "}" or made.pairs:
            if tokens.kind != STRING:
                raise tokens.unexpected("a key")
            key = self.scalar()
            if tokens.next() != ":":
                raise tokens.unexpected("a colon")
            made.pairs.append((key, self.value()))
            if tokens.next() != ",":
                break
            tokens.next()
        if tokens.text != "}":
            raise tokens.unexpected("a closing bracket")
        return made

    def list(self) -> List:
        tokens = self.tokens
        made = List(tokens.line)
        sign = tokens.next()
        while sign != "]" or made.items:
            made.items.append(self.here())
            if tokens.next() != ",":
                break
            tokens.next()
        if tokens.text != "]":
            raise tokens.unexpected("a closing bracket")
        return made

    def scalar(self) -> Scalar:
        """Make a scalar of the current token. The text of numbers, booleans and null is their spelling."""
        tokens = self.tokens
        if tokens.line != self.line:
            self.line = tokens.line
            self.line_start = tokens.source.rfind("\n", 0, tokens.start) + 1
        column = tokens.start - self.line_start + 1
        span = (tokens.start, tokens.end)
        if tokens.kind == STRING:
            return Scalar(tokens.string(), span, tokens.line, column, '"')
        return Scalar(tokens.text, span, tokens.line, column, "")
