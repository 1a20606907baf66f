"""The kinds of items, in the order of the documentation. Each has one file, and one line here."""

from __future__ import annotations

from . import values_changed
from .kind import Kind

KINDS: tuple[Kind, ...] = (values_changed.KIND,)
