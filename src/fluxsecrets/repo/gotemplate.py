"""Go templates that only put values in, which can be rendered without the controller that they are for."""

from __future__ import annotations

import re
from collections.abc import Mapping

_REFERENCE = re.compile(r'\{\{ *(?:\.([A-Za-z_][A-Za-z0-9_]*)|index \. "([^"\\{}]+)") *\}\}')


def render(template: str, values: Mapping[str, bytes]) -> bytes | None:
    """A template with its values, or None where it does more than to name values that are there."""
    names = [match[1] or match[2] for match in _REFERENCE.finditer(template)]
    if "{{" in _REFERENCE.sub("", template) or any(name not in values for name in names):
        return None
    text = _REFERENCE.sub(
        lambda match: values[match[1] or match[2]].decode("utf-8", "surrogateescape"), template
    )
    return text.encode("utf-8", "surrogateescape")
