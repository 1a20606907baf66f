"""What the site's navigation lists by itself: each command, and pages that nobody gave a place yet."""

import re
from pathlib import Path

from fluxsecrets.cli.commands import COMMANDS

_PAGE = re.compile(r'"([\w/-]+\.md)"')


def configuration(project: Path) -> str:
    """Return the site's configuration with each command and each page without a place."""
    text = (project / "zensical.toml").read_text(encoding="utf-8")
    text = _filled(text, "commands", {f"commands/{name}.md": name for name in COMMANDS})
    named = {*_PAGE.findall(_filled(text, "others", {}))}
    docs = project / "docs"
    others = {path.relative_to(docs).as_posix(): _title(path) for path in sorted(docs.rglob("*.md"))}
    return _filled(text, "others", {page: title for page, title in others.items() if page not in named})


def _filled(text: str, mark: str, pages: dict[str, str]) -> str:
    block = re.compile(rf"^    # {mark}\n.*?^    # end$", re.DOTALL | re.MULTILINE)
    rows = [f'    {{ "{title}" = "{page}" }},' for page, title in pages.items()]
    return block.sub(lambda _: "\n".join([f"    # {mark}", *rows, "    # end"]), text)


def _title(page: Path) -> str:
    return page.read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ").replace("`", "")
