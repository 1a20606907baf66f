"""Tables about Flux and beside it: what changed in which version, and tools that are not modelled."""

from pathlib import Path

_END = "<!-- end -->"


def pages(docs: Path) -> dict[str, str]:
    """Return the pages with their tables."""
    return {
        "flux.md": _filled(docs / "flux.md", "<!-- since -->\n", _versions()),
        "other-tools.md": _filled(docs / "other-tools.md", "<!-- tools -->\n", _tools()),
    }


def _filled(page: Path, begin: str, table: str) -> str:
    head, _, rest = page.read_text(encoding="utf-8").partition(begin)
    return head + begin + table + _END + rest.partition(_END)[2]


def _tools() -> str:
    from fluxsecrets.repo.othertools import TOOLS

    lines = ["| Tool | | What is not known | What is looked at |", "|---|---|---|---|"]
    lines += [f"| `{tool.id}` | {tool.name} | {tool.unseen} | {tool.still} |" for tool in TOOLS]
    return "\n".join(lines) + "\n"


def _versions() -> str:
    from fluxsecrets.flux.since import FACTS
    from fluxsecrets.flux.specs import newer_fields

    rows = [(fact.minor, f"`{fact.id}`", fact.after, fact.before, fact.source) for fact in FACTS]
    known = {"spec.decryption.serviceAccountName", "spec.dependsOn[].readyExpr"}
    rows += [
        (minor, f"`{place}`", "takes it", "refuses it", "the schema of the kind")
        for minor, place in newer_fields()
        if place not in known
    ]
    lines = ["| Since | Fact | Flux since then | Flux before | Source |", "|---|---|---|---|---|"]
    rows.sort(key=lambda row: row[0])
    lines += [f"| 2.{minor} | {' | '.join(cells)} |" for minor, *cells in rows]
    return "\n".join(lines) + "\n"
