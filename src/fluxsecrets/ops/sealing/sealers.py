"""Recognise files of SealedSecrets, for commands that change encrypted files of any kind.

`edit` and `set` of a SOPS file import this, so that it imports little.
"""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path

from fluxsecrets.errors import FluxsecretsError, UsageError
from fluxsecrets.files.reading import holds, read_file
from fluxsecrets.ops.run.session import Session
from fluxsecrets.records import dataclass

_KIND = b"SealedSecret"
_WORD = rb"\bSealedSecret\b"


@dataclass(frozen=True, slots=True)
class Sealers:
    """What the user named to seal and open values.

    Attributes:
        cert: file or URL of the certificate, or None for the environment's.
    """

    cert: str | None = None
    private_keys: tuple[Path, ...] = ()

    def refuse_unused(self, path: str) -> None:
        """Refuse options that have no meaning for a file without SealedSecrets.

        Raises:
            UsageError: a certificate or private key was named.
        """
        if self.cert is not None or self.private_keys:
            raise UsageError(
                "--cert and --private-key are for SealedSecrets, and it contains none",
                path=path,
                hint="omit them; SOPS files are encrypted for the recipients of the creation rule",
            )


def is_sealed_file(session: Session, text: str) -> bool:
    """Whether a path is a file with SealedSecrets that SOPS did not encrypt."""
    with suppress(FluxsecretsError):
        path, limit = session.cwd / text, session.limits.size
        if not holds(path, _KIND, limit=limit, follow_links=True):
            return False
        data = read_file(path, limit=limit, follow_links=True).data
        if not re.search(_WORD, data):
            return False
        from fluxsecrets.repo.encrypted import detect_encryption
        from fluxsecrets.repo.manifests import read_manifests
        from fluxsecrets.sealed.model import is_sealed

        if detect_encryption(data, text) is None:
            return any(map(is_sealed, read_manifests(data, text, session.limits).manifests))
    return False
