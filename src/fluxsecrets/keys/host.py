"""The user and the programs outside: whom keys are asked of."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

from fluxsecrets.records import dataclass, field, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol
else:
    Protocol = object  # that of `typing` is for the type checker alone


class PassphrasePrompt(Protocol):
    """Asks the user one thing, and shows nothing of the answer."""

    def __call__(self, question: str, /) -> str:
        """Return the answer to a question, such as `passphrase for ~/.ssh/id_ed25519`.

        Raises:
            IdentityError: there is nobody to ask, or no answer was given.
        """


@dataclass(frozen=True, slots=True)
class Host:
    """How keys are asked for.

    Attributes:
        environ: what is laid over the environment of the process for commands and plugins.
        ask: asks for passphrases and for what plugins want to know; None where there is nobody to ask.
        notify: shows a plugin's message, such as to touch a device; None where nobody reads it.
        warn: says what is wrong with a key file that can be used all the same; None where nobody reads it.
        command_timeout: seconds that a key command may take.
        keyring_timeout: seconds that the OS keyring may take; somebody may have to unlock it.
        plugin_timeout: seconds of silence that a plugin is allowed; it may wait for the touch of a device.
    """

    environ: Mapping[str, str] = field(default_factory=dict, repr=False)
    ask: PassphrasePrompt | None = None
    notify: Callable[[str], None] | None = None
    warn: Callable[[str], None] | None = None
    command_timeout: float = 30.0
    keyring_timeout: float = 60.0
    plugin_timeout: float = 60.0

    def environment(self, **more: str) -> dict[str, str]:
        """The whole environment for a program, with more variables in it."""
        return {**os.environ, **self.environ, **more}

    def for_workers(self) -> Host:
        """The same without the user: several processes must not ask at once."""
        return replace(self, ask=None, notify=None, warn=None)
