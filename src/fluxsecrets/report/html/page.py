"""The page: its style and script are inside, and its content security policy allows nothing but these two."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fluxsecrets.report.page import Lines, Page

from .engine import make_engine, read_asset, source_hash
from .view import view_of

if TYPE_CHECKING:
    from fluxsecrets.ops.overview.model import Overview


def require_engine() -> None:
    """Check that the page can be made, before an audit is run for it.

    Raises:
        UsageError: Jinja2 is not installed.
    """
    make_engine()


def html_page(overview: Overview, version: str) -> Page:
    """Render an overview. The same overview gives the same bytes.

    Raises:
        UsageError: Jinja2 is not installed.
    """
    from markupsafe import Markup

    style, script = (_compact(read_asset("assets", name)) for name in ("page.css", "page.js"))
    policy = (
        f"default-src 'none'; style-src {source_hash(style)}; script-src {source_hash(script)}; "
        "base-uri 'none'; form-action 'none'"
    )
    text = (
        make_engine()
        .get_template("page.html")
        .render(
            view=view_of(overview, version),
            policy=policy,
            style=Markup(style),  # noqa: S704 - this package's own
            script=Markup(script),  # noqa: S704 - likewise
        )
    )
    yield Lines(_compact(text).split("\n"))


def _compact(text: str) -> str:
    """Leave out empty lines. Of the style and the script they are left out before the hash is taken."""
    return "\n".join(line for line in text.split("\n") if line.strip())
