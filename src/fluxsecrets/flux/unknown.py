"""Values that cannot be known here, such as those that no identity at hand decrypts."""

from __future__ import annotations

from fluxsecrets.repo.unknown import UNKNOWN, Unknown, is_unknown, unknown, unknown_kind

__all__ = ["UNKNOWN", "Unknown", "is_unknown", "unknown", "unknown_kind"]
