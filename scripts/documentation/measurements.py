"""The results of the benchmarks, as part of the page on performance."""

import re
from pathlib import Path

_RESULTS = re.compile(r"^<!-- results -->\n.*?^<!-- end -->$", re.DOTALL | re.MULTILINE)


def pages(docs: Path) -> dict[str, str]:
    """Return the page with what benchmarks/RESULTS.md says between `<!-- results -->` and `<!-- end -->`."""
    text = (docs / "performance.md").read_text(encoding="utf-8")
    results = (docs.parent / "benchmarks" / "RESULTS.md").read_text(encoding="utf-8")
    shown = results.partition("\n\n")[2].strip()
    return {"performance.md": _RESULTS.sub(lambda _: f"<!-- results -->\n{shown}\n<!-- end -->", text)}
