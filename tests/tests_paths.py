"""Where test material is."""

from pathlib import Path

VECTORS = Path(__file__).parent / "vectors"
