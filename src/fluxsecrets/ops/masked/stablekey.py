"""A key for placeholders that are the same in every run: derived from the user's age identities.

docs/masked.md has the recipe, so that another program can derive the same key.
"""

from __future__ import annotations

from collections.abc import Iterable

from fluxsecrets.errors import IdentityError
from fluxsecrets.ops.run.session import Session
from fluxsecrets.placeholders.key import PlaceholderKey

_INFO = b"fluxsecrets masked --stable v1"


def stable_key(session: Session) -> PlaceholderKey:
    """Return the key of the age identities at hand and in the OS keyring; their order does not matter.

    Nobody is asked for a passphrase, and no key command is run: which of them give an identity depends on the
    file that is opened.

    Raises:
        IdentityError: there is no identity whose private key is at hand, or the keyring does not give one.
    """
    from fluxsecrets.keys.age import AgeProvider

    provider = session.own_providers["age"]
    assert isinstance(provider, AgeProvider)  # noqa: S101 - the table of providers says so
    stored = [provider.identity_of(each.recipient) for each in provider.lookup().stored]
    # An identity of a plug-in only names a key, which is on a token.
    secrets = {
        each.secret.strip() for each in (*provider.lookup().identities, *stored) if each.kind != "plugin"
    }
    if not secrets:
        raise IdentityError(
            "--stable derives its key from your age identities, and there are none",
            hint="name a key file with SOPS_AGE_KEY_FILE, or leave out --stable",
        )
    return PlaceholderKey.derived(_derived(secrets))


def _derived(secrets: Iterable[str]) -> bytes:
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    return HKDF(SHA256(), 32, None, _INFO).derive("\n".join(sorted(secrets)).encode())
