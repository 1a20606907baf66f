"""All generated pages."""

from pathlib import Path

from documentation import (
    architecture,
    commands,
    completions,
    errors,
    flux,
    man,
    measurements,
    navigation,
    rules,
    schemas,
)

PROJECT = Path(__file__).parents[2]
DOCS = PROJECT / "docs"


def pages() -> dict[str, str]:
    """Return every generated page by its path below docs/; what is written by hand stays as it is."""
    return (
        commands.pages(DOCS)
        | rules.pages(DOCS)
        | completions.pages()
        | schemas.pages(DOCS)
        | man.pages()
        | errors.pages(DOCS)
        | flux.pages(DOCS)
        | measurements.pages(DOCS)
        | {"pictures/architecture.svg": architecture.drawing()}
        | {"../zensical.toml": navigation.configuration(PROJECT)}
    )
