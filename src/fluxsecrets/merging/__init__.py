"""Three-way merge of encrypted files by value: documents in, text out; knows neither git nor keys."""

from __future__ import annotations

from .combine import merge
from .model import MISSING, Conflict, Labels, Merged, Missing, Picks, Place, Side

__all__ = ["MISSING", "Conflict", "Labels", "Merged", "Missing", "Picks", "Place", "Side", "merge"]
