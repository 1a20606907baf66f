"""The table of what changed in which version of Flux, in docs/flux.md."""

from pathlib import Path

_BEGIN, _END = "<!-- since -->\n", "<!-- end -->"


def pages(docs: Path) -> dict[str, str]:
    """Return the page of Flux's behaviours with the table."""
    head, _, rest = (docs / "flux.md").read_text(encoding="utf-8").partition(_BEGIN)
    return {"flux.md": head + _BEGIN + _table() + _END + rest.partition(_END)[2]}


def _table() -> str:
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
