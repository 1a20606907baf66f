"""What a server serves: a repository, and what agents may do there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from fluxsecrets.keys import Allowed
from fluxsecrets.ops.run.session import Session

from .confinement import Confinement


@dataclass(frozen=True, slots=True)
class Served:
    """A repository that a server serves.

    Attributes:
        root: of the repository, a real path, and the working directory.
        environ: where identities are looked for.
        read_only: there are no tools that write.
        offline: no key service is asked.
        no_keys: nothing is decrypted.
    """

    root: Path
    environ: Mapping[str, str] = field(repr=False)
    read_only: bool = False
    offline: bool = False
    no_keys: bool = False

    @property
    def confinement(self) -> Confinement:
        """What agents may name."""
        return Confinement(self.root)

    def session(self, warn: Callable[[str], None], *, offline: bool, opens: bool) -> Session:
        """Return the session of one call. There is nobody to ask for a passphrase.

        Args:
            warn: takes warnings.
            offline: no key service is asked, even if the server may.
            opens: identities may be used, unless the server uses none.
        """
        allowed = Allowed(services=not (self.offline or offline), identities=opens and not self.no_keys)
        return Session(self.environ, self.root, warn=warn, allowed=allowed)
