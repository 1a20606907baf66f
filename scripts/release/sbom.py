"""The software bill of materials of the self-contained archive, as CycloneDX."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from portable import Portable
from steps import DistError, run, say

_CLASSIFIER = "License :: OSI Approved :: "
_ALLOWED = ("MIT", "BSD", "Apache", "PSF", "MPL-2.0", "ISC")
"""Starts of the licences that a component may have: those that let anyone pass the archive on."""


def write_sbom(portable: Portable, source: Path, output: Path) -> Path:
    """Write what is in the archive: packages, Python, and libraries of the machine that built it.

    Raises:
        DistError: a package has no licence, or one that is not allowed here.
    """
    path = output / f"{portable.folder.name}.cdx.json"
    say(f"writing {path.name}")
    tool = Path(sys.executable).with_name("cyclonedx-py")
    options = ["--output-reproducible", "--spec-version", "1.6", "--pyproject", source / "pyproject.toml"]
    text = run([tool, "environment", *options, portable.python])
    bill: dict[str, Any] = json.loads(text)
    # The package itself is what the bill is for, not a part of it.
    own = bill["metadata"]["component"]["name"]
    bill["metadata"]["component"]["version"] = portable.version
    components = [each for each in bill["components"] if each["name"] != own]
    refused = [each["name"] for each in components if not may_be_passed_on(each)]
    if refused:
        raise DistError(f"the licences of these packages need a look: {', '.join(sorted(refused))}")
    bill["components"] = [*components, *_native(portable)]
    path.write_text(json.dumps(bill, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    return path


def may_be_passed_on(component: dict[str, Any]) -> bool:
    """Return whether a component's licence lets anyone pass it on."""
    # With AND, all of them hold: a person has to look.
    return any(name.startswith(_ALLOWED) and " AND " not in name for name in _licences(component))


def _licences(component: dict[str, Any]) -> Iterator[str]:
    for each in component.get("licenses", ()):
        licence = each.get("license", {})
        name = str(each.get("expression") or licence.get("id") or licence.get("name") or "")
        yield name.removeprefix(_CLASSIFIER)


def _native(portable: Portable) -> Iterator[dict[str, Any]]:
    yield {
        "type": "application",
        "bom-ref": "python",
        "name": "python",
        "version": ".".join(map(str, sys.version_info[:3])),
        "hashes": [_digest(portable.python)],
    }
    for library in portable.libraries:
        yield {
            "type": "library",
            "bom-ref": f"library/{library.name}",
            "name": library.name,
            "hashes": [_digest(library)],
        }


def _digest(path: Path) -> dict[str, str]:
    return {"alg": "SHA-256", "content": hashlib.sha256(path.read_bytes()).hexdigest()}
