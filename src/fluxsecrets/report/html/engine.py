"""The template engine: everything that a template prints is made printable and escaped, whatever it is.

Names in a repository are anybody's: a path may hold `<script>`, a quote, or characters that turn text around.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from importlib.resources import files
from typing import TYPE_CHECKING

from fluxsecrets.errors import UsageError
from fluxsecrets.report.text import counted, printable, text_width, well_formed

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

_CODE = re.compile(r"`([^`]*)`")
_LONGEST = 21
"""Letters that fit into a box of the graph."""


def make_engine() -> Environment:
    """Return the environment of the page's templates.

    Raises:
        UsageError: Jinja2 is not installed.
    """
    try:
        from jinja2 import Environment, FunctionLoader, StrictUndefined
    except ImportError:
        raise UsageError(
            "--format html needs the Python package Jinja2", hint="run `pip install 'fluxsecrets[html]'`"
        ) from None
    engine = Environment(
        loader=FunctionLoader(lambda name: read_asset("templates", name)),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    engine.filters.update(prose=_prose, breakable=_breakable, counted=_counted, short=_short, code=_code)
    return engine


def read_asset(*place: str) -> str:
    """Return a text of this package's data."""
    return files(__package__).joinpath(*place).read_text(encoding="utf-8")


def source_hash(text: str) -> str:
    """Return what a content security policy knows an inline style or script by."""
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def _shown(value: object) -> object:
    """Return what is printed: markup that a filter made, or text that shows what it holds."""
    if hasattr(value, "__html__"):
        return value
    if value is None:
        raise TypeError("a template prints nothing where it means something")
    return printable(well_formed(str(value)))


def _escaped(text: str) -> Markup:
    from markupsafe import escape

    return escape(str(_shown(text)))


def _joined(parts: Iterator[Markup]) -> Markup:
    from markupsafe import Markup

    return Markup("").join(parts)


def _prose(text: str) -> Markup:
    """A sentence with its commands, which are in backticks, as code."""
    from markupsafe import Markup

    def parts() -> Iterator[Markup]:
        for number, part in enumerate(_CODE.split(text)):
            yield Markup("<code>{}</code>").format(_escaped(part)) if number % 2 else _escaped(part)

    return _joined(parts())


def _breakable(path: str) -> Markup:
    """A path that may go on in a new line behind each slash."""
    from markupsafe import Markup

    return Markup("/<wbr>").join(_escaped(part) for part in path.split("/"))


def _code(text: str) -> Markup:
    from markupsafe import Markup

    return Markup("<code>{}</code>").format(_escaped(text))


def _counted(count: int, noun: str) -> str:
    return counted(count, noun)


def _short(text: str) -> str:
    """A name that fits into a box, cut in the middle: both ends tell names apart."""
    shown = str(_shown(text))
    if text_width(shown) <= _LONGEST:
        return shown
    longest = _LONGEST if shown.isascii() else _LONGEST // 2
    return f"{shown[: longest - 9]}…{shown[-8:]}"
