"""All generated pages."""

from pathlib import Path

from documentation import commands, completions, man, rules, schemas

DOCS = Path(__file__).parents[2] / "docs"


def pages() -> dict[str, str]:
    """Return every generated page by its path below docs/; what is written by hand stays as it is."""
    plain = commands.pages(DOCS) | rules.pages(DOCS) | schemas.pages(DOCS)
    return plain | completions.pages() | man.pages()
