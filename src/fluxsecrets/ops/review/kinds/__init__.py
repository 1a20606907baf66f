"""The kinds of items, in the order of the documentation. Each has one file, and one line here."""

from __future__ import annotations

from . import (
    access_gained,
    access_lost,
    conflict_markers,
    data_key_kept,
    decryption_lost,
    environment_left,
    excuse_added,
    file_damaged,
    flux_breaks,
    plain_text,
    protection_weakened,
    public_key_changed,
    secret_added,
    secret_removed,
    values_changed,
)
from .kind import Kind

KINDS: tuple[Kind, ...] = (
    plain_text.KIND,
    excuse_added.KIND,
    conflict_markers.KIND,
    file_damaged.KIND,
    access_gained.KIND,
    access_lost.KIND,
    data_key_kept.KIND,
    protection_weakened.KIND,
    public_key_changed.KIND,
    flux_breaks.KIND,
    decryption_lost.KIND,
    environment_left.KIND,
    secret_removed.KIND,
    secret_added.KIND,
    values_changed.KIND,
)
