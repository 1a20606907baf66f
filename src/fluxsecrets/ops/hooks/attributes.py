"""Our lines in a `.gitattributes`: which files git merges and shows with fluxsecrets.

They are the first of the file, since the last line that matches counts for git: what users wrote stays in
force. `text=auto eol=lf` keeps git from turning line ends into CR LF on Windows. Encrypted dotenv files
can't be decrypted then, neither by sops nor by us; the other formats can.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

DRIVER = "fluxsecrets"
"""The name of the drivers in attributes and configuration."""

ATTRIBUTES = f"merge={DRIVER} diff={DRIVER} text=auto eol=lf"

_BEGIN, _END = "# >>> fluxsecrets", "# <<< fluxsecrets"
_BOM = "\ufeff"
# Two branches may both have added lines: what git leaves of that is ours, too. A block with any other line in
# it is not, and stays.
_LINE = rf"(?:[^\n]* merge={DRIVER}[^\n]*|[<|=>]{{7}}[^\n]*)\n"
_BLOCK = re.compile(
    rf"^{_BEGIN}[^\n]*\n(?P<lines>(?:{_LINE})*){_END}[^\n]*(?:\n|\Z)",
    re.MULTILINE,
)


def with_block(text: str, patterns: Sequence[str]) -> str:
    """Return a `.gitattributes` with our lines at its top for these patterns; for none, without our lines."""
    rest = without_block(text)
    if not patterns:
        return rest
    bom = _bom(rest)
    end = "\r\n" if "\r\n" in rest else "\n"
    lines = (
        f"{_BEGIN}: merges and shows encrypted files by value; `fluxsecrets hook install` writes these lines",
        *(f"{pattern} {ATTRIBUTES}" for pattern in patterns),
        _END,
    )
    return bom + "".join(line + end for line in lines) + rest.removeprefix(_BOM)


def without_block(text: str) -> str:
    """Return a `.gitattributes` as it is without our lines."""
    return _bom(text) + _BLOCK.sub("", text.removeprefix(_BOM))


def patterns_of(text: str) -> tuple[str, ...]:
    """Return the patterns in our lines, as they are written."""
    found = _BLOCK.search(text.removeprefix(_BOM))
    lines = found["lines"].splitlines() if found is not None else ()
    return tuple(line.rpartition(" merge=")[0] for line in lines if " merge=" in line)


def has_block(text: str) -> bool:
    """Return whether our lines are in a `.gitattributes`."""
    return _BLOCK.search(text.removeprefix(_BOM)) is not None


def _bom(text: str) -> str:
    return _BOM if text.startswith(_BOM) else ""
