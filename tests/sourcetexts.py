"""The texts of the source. To parse all modules takes seconds, so the tests of a process share them."""

import ast
import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from commandlines import PLACEHOLDER

SOURCE = Path(__file__).parents[1] / "src" / "fluxsecrets"


@dataclass(frozen=True)
class Text:
    """A string of the source; in an f-string a placeholder stands for what is put in.

    Attributes:
        module: its path below the source, with `/`.
        is_docstring: whether it describes a module, a class or a function.
    """

    module: str
    line: int
    text: str
    is_docstring: bool

    @property
    def place(self) -> str:
        return f"{self.module}:{self.line}"


@cache
def modules() -> tuple[tuple[Path, bytes], ...]:
    """Every module of the source, with what is in it."""
    return tuple((path, path.read_bytes()) for path in sorted(SOURCE.rglob("*.py")))


def modules_naming(names: Collection[str]) -> list[tuple[Path, bytes]]:
    """The modules that may have one of these names; no other needs to be parsed to look for them.

    A name is an identifier without a dot before it. Python takes letters that look alike for the same, so
    that a module with other letters than those of ASCII may have any name.
    """
    wanted = re.compile(rb"(?<![\w.])(?:%s)(?!\w)" % b"|".join(re.escape(each.encode()) for each in names))
    return [(path, data) for path, data in modules() if not data.isascii() or wanted.search(data)]


@cache
def all_texts() -> tuple[Text, ...]:
    """Every string of the source."""
    return tuple(
        Text(path.relative_to(SOURCE).as_posix(), *each)
        for path in sorted(SOURCE.rglob("*.py"))
        for each in texts_of(path.read_text(encoding="utf-8"))
    )


def texts_of(source):
    """Every string of a module: its line, itself, and whether it is a docstring."""
    tree = ast.parse(source)
    waiting, docstrings = [tree], set()
    while waiting:
        node = waiting.pop()
        kind = type(node)
        if kind is ast.Constant:
            if isinstance(node.value, str):
                yield node.lineno, node.value, id(node) in docstrings
            continue
        if kind is ast.JoinedStr:
            # What is put in may have strings of its own, also in how it is formatted.
            waiting += (value for value in node.values if not isinstance(value, ast.Constant))
            yield node.lineno, "".join(_literal(value) for value in node.values), False
            continue
        if kind in _DESCRIBED and node.body and isinstance(node.body[0], ast.Expr):
            docstrings.add(id(node.body[0].value))
        for field in kind._fields:
            value = getattr(node, field, None)
            if isinstance(value, list):
                waiting += (each for each in value if isinstance(each, ast.AST))
            elif isinstance(value, ast.AST) and type(value) not in _WITHOUT_TEXT:
                waiting.append(value)


_DESCRIBED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
_WITHOUT_TEXT = frozenset({ast.Name, ast.Load, ast.Store, ast.Del, ast.alias})


def _literal(value):
    return str(value.value) if isinstance(value, ast.Constant) else PLACEHOLDER
