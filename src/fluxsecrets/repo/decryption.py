"""What kustomize-controller's decryption does with a file or an object; the room `flux` finds it out."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

SIZE_LIMIT = 5 * 2**20
"""Bytes of a generator's or patch's file that the controller reads at most (`maxEncryptedFileSize`)."""


class Fate(StrEnum):
    """What becomes of it."""

    DECRYPTED = "decrypted"
    APPLIED = "applied as it is"
    CIPHERTEXT = "ciphertext applied"
    FAILS = "fails"


@dataclass(frozen=True, slots=True)
class Treatment:
    """What the controller does with a file or an object.

    Attributes:
        format: that it decrypts it as, or None.
        reason: why it comes out other than one would expect, or "".
    """

    fate: Fate
    format: str | None = None
    reason: str = ""
