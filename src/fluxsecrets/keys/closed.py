"""Keys for a run that decrypts nothing, although the user has identities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from fluxsecrets.sops.envelope import KeyProvider, NotMine

if TYPE_CHECKING:
    from fluxsecrets.sops.metadata import WrappedKey
    from fluxsecrets.sops.recipients import Recipient

_REASON = "this run decrypts nothing"


class Closed:
    """A provider that encrypts for its recipients, and has no identities."""

    def __init__(self, provider: KeyProvider) -> None:
        """Take the provider that encrypts."""
        self._provider = provider
        self.kind = provider.kind
        self.waits = provider.waits

    def check(self, recipient: Recipient) -> None:
        """Refuse a malformed recipient.

        Raises:
            RecipientError: it is.
        """
        self._provider.check(recipient)

    def wrap(self, recipient: Recipient, secret: bytes) -> WrappedKey:
        """Encrypt a data key for a recipient.

        Raises:
            RecipientError: it is malformed, or encrypting for it failed.
        """
        return self._provider.wrap(recipient, secret)

    def unwrap(self, key: WrappedKey) -> bytes | NotMine:
        """Report that no identity opens it."""
        return NotMine(_REASON)

    def at_hand(self, recipient: Recipient) -> bool:
        """None is."""
        return False

    def owns(self, recipient: Recipient) -> bool:
        """No: nothing is opened."""
        return False

    def search_further(self, recipients: Sequence[Recipient]) -> tuple[str, ...]:
        """Nowhere."""
        return ()

    def looked_in(self) -> tuple[str, ...]:
        """Nowhere."""
        return (f"nowhere: {_REASON}",)
