"""Dataclasses of the standard library with the fields of records.

Tools ask them for what records do not carry, and they say what is wrong with the arguments of one.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any


def model(name: str, fields: Mapping[str, Mapping[str, Any]]) -> type:
    """Return a dataclass.

    Args:
        name: of the class.
        fields: in their order; of each, the arguments of `dataclasses.field`.
    """
    return dataclasses.make_dataclass(
        name, [(field, object, dataclasses.field(**said)) for field, said in fields.items()]
    )
