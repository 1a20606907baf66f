"""Data keys that are wrapped for PGP keys, through the `gpg` executable (sops: pgp/keysource.go).

gpg costs 5 to 25 ms per call and can't take several messages at once. So it is called once per wrapped key,
and never for a key that it did not have before. Batches gain from being spread over processes.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from fluxsecrets.errors import FluxsecretsError, IdentityError, IntegrityError, LockedError, RecipientError
from fluxsecrets.shell import file_word
from fluxsecrets.sops.envelope import KeyProvider, NotMine
from fluxsecrets.sops.metadata import WrappedKey
from fluxsecrets.sops.recipients import Recipient

from . import User
from .gpg import DECRYPT_TIMEOUT, EXECUTABLE, GpgRun, KeyBlock, find_gpg, parse_key_blocks, run_gpg
from .identities import home_folder
from .pgpmessage import HIDDEN, MAX_ARMOUR, PgpMessage, read_message
from .turns import Turns, in_turn
from .unlocked import ABSENT, PGP, keep, kept_for

_TIMEOUT = 30.0  # for what never asks anybody
_SECRET_LIMIT = 4096
_LISTING_LIMIT = 16 * 2**20

# A long key id or a fingerprint (version 4 or 5), with `!` for exactly this subkey. gpg refuses shorter ids
# as `--trusted-key`, which sops passes.
_FINGERPRINT = re.compile(r"(?:0[xX])?([0-9A-Fa-f]{16}|[0-9A-Fa-f]{40}|[0-9A-Fa-f]{64})(!?)", re.ASCII)

_RESTORE = "restore the file from its last good version"

# Codes of libgpg-error with which gpg-agent answers a request to decrypt.
_NO_SECRET_KEY = 17
_DAMAGE = frozenset({10, 14, 18, 19, 65, 66, 67, 79, 89})
_REFUSALS = {
    **dict.fromkeys((11, 87), ("the passphrase or PIN of the PGP key was wrong", "run the command again")),
    **dict.fromkeys(
        (99, 198), ("the prompt for the passphrase of the PGP key was cancelled", "run the command again")
    ),
    62: ("nobody answered the prompt for the passphrase of the PGP key", "run the command again"),
    **dict.fromkeys(
        (85, 86),
        (
            "gpg could not ask for the passphrase of the PGP key: its pinentry does not work here",
            "install a pinentry program; in a terminal, run `export GPG_TTY=$(tty)` first",
        ),
    ),
    **dict.fromkeys(
        (91, 108, 109, 110, 111, 112),
        ("the smart card with the PGP key is not there", "insert it, and check with `gpg --card-status`"),
    ),
}


@dataclass(frozen=True, slots=True)
class _Refusal:
    """Why the holder's own key did not open; kept, so that nobody is asked again for every file."""

    message: str
    hint: str
    details: tuple[str, ...] = ()

    def error(self) -> LockedError:
        return LockedError(self.message, hint=self.hint, details=self.details)


@dataclass(frozen=True, slots=True)
class _SecretKeys:
    """The secret keys in gpg's keyring, or what gpg wrote when it could not list them."""

    blocks: tuple[KeyBlock, ...] = ()
    failure: GpgRun | None = None


def utc_now() -> datetime:
    """The time, for `created_at`."""
    return datetime.now(UTC)


class PgpProvider(Turns):
    """Wraps for PGP keys in the user's keyring, and unwraps with the secret keys that gpg-agent holds.

    gpg finds its keyring itself: `GNUPGHOME`, else the user's own. Where there is no such folder gpg is not
    run to decrypt or to list, since it would create one. Fingerprints in files are not trusted: only
    checked ones become arguments, and decrypting passes none at all.

    Instances can be pickled to start worker processes; they hold no secret but the environment's.
    """

    kind = "pgp"
    waits = False  # gpg asks the user: one after the other

    def __init__(
        self,
        environ: Mapping[str, str],
        *,
        timeout: float = DECRYPT_TIMEOUT,
        now: Callable[[], datetime] = utc_now,
        platform: str = sys.platform,
    ) -> None:
        """Take the environment in which gpg is found and run.

        Args:
            environ: the whole environment: gpg, its agent and pinentry need much of it.
            timeout: seconds for one decryption, in which somebody may have to type a passphrase.
            now: gives the time for `created_at`.
            platform: as `sys.platform` has it.
        """
        super().__init__()
        self._environ = dict(environ)
        self._timeout = timeout
        self._now = now
        self._platform = platform
        self._executable = find_gpg(self._environ, platform)
        self._looked = False
        self._secret_keys: _SecretKeys | None = None
        self._public_keys: dict[str, KeyBlock] = {}
        self._missing: set[str] = set()
        self._refusals: dict[tuple[str, ...], _Refusal] = {}

    def __repr__(self) -> str:
        """Show nothing of the environment."""
        return f"<PGP keys of {self._executable or 'no gpg'}>"

    def check(self, recipient: Recipient) -> None:
        """Raise RecipientError where the recipient is not a fingerprint; gpg is not asked."""
        _parse(recipient)

    def wrap(self, recipient: Recipient, secret: bytes) -> WrappedKey:
        """Encrypt a data key or a share of one for a key in the keyring, as armoured text.

        As with sops the key need not be trusted or signed: the user chose its fingerprint. Where a
        fingerprint is a primary key's, gpg takes its newest subkey that encrypts.

        Raises:
            RecipientError: malformed, not in the keyring, expired, revoked, disabled, or gpg failed.
        """
        number, exact = _parse(recipient)
        block = self._public_key(number)
        arguments = ("--batch", "--no-default-recipient", "--yes", "--encrypt", "--armor")
        # sops passes --trusted-key, which has the same effect, but rebuilds the trust database at each call.
        trust = ("--trust-model", "always", "--no-encrypt-to")
        run = self._run(
            (*arguments, *trust, "--recipient", number + exact), secret, timeout=_TIMEOUT, limit=MAX_ARMOUR
        )
        if run.code != 0 or not run.said("END_ENCRYPTION"):
            raise RecipientError(
                f"gpg does not encrypt for the PGP key {number}: {_ending(run)}",
                hint=f"see what `gpg --encrypt --recipient {number}` says",
                details=run.log,
            )
        text = run.output.decode("ascii", "replace").replace("\r\n", "\n").strip()
        _check_wrapped(text, number, block)
        compact = recipient.id.replace(" ", "")
        if compact != recipient.id:
            recipient = replace(recipient, id=compact)
        return WrappedKey(recipient, text, self._now().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))

    @in_turn
    def unwrap(self, key: WrappedKey) -> bytes | NotMine:
        """Decrypt a wrapped key with whichever secret key gpg has for it.

        Raises:
            LockedError: the secret key is there, but could not be used: a wrong passphrase, a cancelled or
                unanswered prompt, a missing card.
            IdentityError: gpg itself does not work.
            IntegrityError: the wrapped key is damaged.
        """
        self._looked = True
        if self._executable is None:
            return NotMine(self._not_installed())
        message = read_message(key.enc)
        if self._home_is_missing() or self._missing.issuperset(message.key_ids):
            return self._not_mine()
        refusal = self._refusals.get(message.key_ids)
        if refusal is not None:
            raise refusal.error()
        # A message may be signed inside; checking that could fetch keys from the network.
        arguments = ("--skip-verify", "--decrypt")
        data = key.enc.strip().encode("utf-8", "replace") + b"\n"
        keyring = self._keyring()
        parts, absent = (data, *keyring), (*(each.encode() for each in message.key_ids), *keyring)
        if (kept := kept_for(PGP, *parts)) is not None:
            return kept
        if (kept := kept_for(ABSENT, *absent)) is not None:
            return _absent(others=bool(kept))
        run = self._run(arguments, data, timeout=self._timeout, limit=_SECRET_LIMIT)
        if run.code == 0 and run.said("DECRYPTION_OKAY") and run.output and not run.overflowed:
            keep(run.output, PGP, *parts)
            return run.output
        answer = self._explain(run, message)
        if HIDDEN not in message.key_ids:
            keep(b"1" if self._list_secret_keys().blocks else b"", ABSENT, *absent)
        return answer

    def at_hand(self, recipient: Recipient) -> bool:
        """Always False: only gpg could tell, and asking it costs as much as decrypting."""
        return False

    @in_turn
    def owns(self, recipient: Recipient) -> bool:
        """Whether the keyring has the secret key, primary or subkey, by fingerprint or long key id."""
        try:
            number, _ = _parse(recipient)
        except RecipientError:
            return False
        blocks = self._list_secret_keys().blocks
        return any(number in (*block.fingerprints, *block.key_ids) for block in blocks)

    @in_turn
    def search_further(self, recipients: Sequence[Recipient]) -> tuple[str, ...]:
        """The keyring itself if gpg could not list its secret keys; nothing else."""
        failed = self._list_secret_keys().failure is not None
        return (f"gpg could not list the secret keys in {self._place()}",) if failed else ()

    @in_turn
    def looked_in(self) -> tuple[str, ...]:
        """The keyring that was looked in; nothing if there was no need to look."""
        if not self._looked:
            return ()
        place = self._place()
        if self._executable is None:
            return (f"{place} ({self._not_installed()})",)
        if self._home_is_missing():
            return (f"{place} (missing)",)
        found = self._list_secret_keys()
        if found.failure is not None:
            return (f"{place} (gpg could not list its secret keys)",)
        count = len(found.blocks)
        return (f"{place} ({count or 'no'} secret key{'' if count == 1 else 's'})",)

    def _run(self, arguments: tuple[str, ...], data: bytes = b"", *, timeout: float, limit: int) -> GpgRun:
        if self._executable is None:
            raise RecipientError(
                self._not_installed(), hint=f"install GnuPG, or set {EXECUTABLE} to the path of its gpg"
            )
        return run_gpg(self._executable, arguments, data, environ=self._environ, timeout=timeout, limit=limit)

    @in_turn
    def _public_key(self, number: str) -> KeyBlock:
        """A usable key of the keyring; looked up once per run."""
        block = self._public_keys.get(number)
        if block is None:
            arguments = ("--batch", "--trust-model", "always", "--with-colons", "--list-keys", number)
            run = self._run(arguments, timeout=_TIMEOUT, limit=_LISTING_LIMIT)
            if run.code < 0 or run.timed_out or run.overflowed:
                raise RecipientError(
                    f"gpg could not look up the PGP key {number}: {_ending(run)}",
                    hint="check that `gpg --list-keys` works",
                    details=run.log,
                )
            block = self._public_keys[number] = _only_usable(
                number, parse_key_blocks(run.output), self._gpg_word()
            )
        return block

    def _list_secret_keys(self) -> _SecretKeys:
        if self._secret_keys is None:
            self._secret_keys = _SecretKeys()
            if self._executable is not None and not self._home_is_missing():
                arguments = ("--batch", "--trust-model", "always", "--with-colons", "--list-secret-keys")
                run = self._run(arguments, timeout=_TIMEOUT, limit=_LISTING_LIMIT)
                blocks = tuple(block for block in parse_key_blocks(run.output) if block.secret)
                failed = run.code != 0 and not blocks
                self._secret_keys = _SecretKeys(blocks, run if failed else None)
        return self._secret_keys

    def _explain(self, run: GpgRun, message: PgpMessage) -> NotMine:
        """Tell from the status lines of a failed decryption what went wrong."""
        if run.timed_out:
            raise self._refused(
                message,
                f"gpg did not answer within {self._timeout:.0f} seconds",
                "if it was waiting for a passphrase, run the command again and answer the prompt",
            )
        if run.overflowed:
            raise IntegrityError("the wrapped data key is damaged: it holds more than a key", hint=_RESTORE)
        codes = list(run.error_codes("pkdecrypt_failed"))
        for code in codes:
            if code in _REFUSALS:
                raise self._refused(message, *_REFUSALS[code])
        hidden = HIDDEN in message.key_ids
        damaged = run.said("DECRYPTION_KEY") or run.said("BADMDC") or run.said("DECRYPTION_OKAY")
        if damaged or (not hidden and not _DAMAGE.isdisjoint(codes)):
            raise IntegrityError(
                "the wrapped data key is damaged: its own secret key does not open it",
                hint=_RESTORE,
                details=run.log,
            )
        if set(codes) - _DAMAGE - {_NO_SECRET_KEY}:
            raise self._refused(
                message, "gpg could not use the secret key", "see what gpg wrote", details=run.log
            )
        if run.said("NO_SECKEY") or _NO_SECRET_KEY in codes:
            # Hidden ids say nothing about the next message.
            self._missing.update(set(message.key_ids) - {HIDDEN})
            return self._not_mine()
        if run.said("NEED_PASSPHRASE"):
            raise self._refused(
                message,
                "gpg could not ask for the passphrase of the PGP key",
                "take `pinentry-mode loopback` out of gpg.conf, or run this in a terminal",
            )
        if run.said("NODATA") or run.said("UNEXPECTED"):
            raise IntegrityError(
                "the wrapped data key is damaged: gpg cannot read it", hint=_RESTORE, details=run.log
            )
        raise IdentityError(
            f"gpg does not work: {_ending(run)}",
            hint="check that `gpg --list-secret-keys` works",
            details=run.log,
        )

    def _refused(
        self, message: PgpMessage, text: str, hint: str, details: tuple[str, ...] = ()
    ) -> LockedError:
        refusal = _Refusal(text, hint, details)
        if HIDDEN not in message.key_ids:
            self._refusals[message.key_ids] = refusal
        return refusal.error()

    def _not_mine(self) -> NotMine:
        found = self._list_secret_keys()
        if found.failure is not None:
            # A gpg that cannot reach its agent says the same as one without the key.
            raise IdentityError(
                "gpg cannot read its secret keys",
                hint="check that `gpg --list-secret-keys` works",
                details=found.failure.log,
            )
        return _absent(others=bool(found.blocks))

    def _not_installed(self) -> str:
        return (
            f"the gpg that {EXECUTABLE} names is not there"
            if self._environ.get(EXECUTABLE)
            else ("gpg is not installed")
        )

    def _home(self) -> Path | None:
        """The keyring's folder, or None where only gpg knows it (on Windows it may be in the registry)."""
        if self._environ.get("GNUPGHOME"):
            return Path(self._environ["GNUPGHOME"])
        home = None if self._platform == "win32" else home_folder(self._environ, self._platform)
        return None if home is None else home / ".gnupg"

    def _keyring(self) -> tuple[bytes, ...]:
        """What tells this keyring, in this state, from others: a key that was added or deleted changes it."""
        home, executable = self._home(), self._executable or ""
        if home is None:
            return (os.fsencode(executable),)
        try:
            status = (home / "private-keys-v1.d").stat()
        except OSError:  # gpg says what is wrong
            state = ""
        else:
            state = f"{status.st_dev} {status.st_ino} {status.st_mtime_ns}"
        return os.fsencode(executable), os.fsencode(home), state.encode()

    def _home_is_missing(self) -> bool:
        home = self._home()
        # A wrapper may know another folder.
        return home is not None and not self._environ.get(EXECUTABLE) and not home.is_dir()

    def _gpg_word(self) -> str:
        """The program as a word of a command line."""
        return file_word(self._environ.get(EXECUTABLE) or "gpg")

    def _place(self) -> str:
        if self._environ.get("GNUPGHOME"):
            return "GNUPGHOME"
        return "gpg's keyring" if self._home() is None else "~/.gnupg"


def _absent(*, others: bool) -> NotMine:
    return NotMine("not among your secret keys" if others else "no PGP secret key was found")


def _short(number: str) -> str:
    """A name for a key's file: its long id."""
    return number[-16:]


def _parse(recipient: Recipient) -> tuple[str, str]:
    """The hexadecimal digits of a recipient, in upper case, and `!` where it stands for one subkey."""
    match = _FINGERPRINT.fullmatch(recipient.id.replace(" ", ""))
    if match is None:
        raise RecipientError(
            "not the fingerprint of a PGP key",
            hint="it has 40 hexadecimal digits; `gpg --list-keys --with-fingerprint` shows it",
        )
    return match[1].upper(), match[2]


def _only_usable(number: str, blocks: tuple[KeyBlock, ...], gpg: str) -> KeyBlock:
    if not blocks:
        # Key servers often give a key without a user id, which gpg skips
        raise RecipientError(
            f"the PGP key {number} is not in gpg's keyring",
            hint=f"ask its owner to run `gpg --armor --export {number} > {_short(number)}.asc`, "
            f"then run `{gpg} --import {_short(number)}.asc`",
        )
    if len(blocks) > 1:
        raise RecipientError(
            f"the id {number} stands for {len(blocks)} PGP keys", hint="use the whole fingerprint"
        )
    problem = _problem(number, blocks[0])
    if problem is not None:
        raise problem
    return blocks[0]


def _problem(number: str, block: KeyBlock) -> FluxsecretsError | None:
    """Why a key cannot be encrypted for, or None."""
    newer = "then ask for the public key again, and import it with `gpg --import KEYFILE`"
    primary = block.fingerprints[0] if block.fingerprints else number
    if block.validity == "r":
        return RecipientError(
            f"the PGP key {number} was revoked by its holder",
            hint="ask for the new key, and replace the fingerprint in .sops.yaml",
        )
    if block.validity == "e":
        day = "" if block.expires is None else f" on {datetime.fromtimestamp(block.expires, UTC):%Y-%m-%d}"
        return RecipientError(
            f"the PGP key {number} expired{day}",
            hint=f"its holder can extend it (`gpg --quick-set-expire {primary} 1y`); {newer}",
        )
    if "D" in block.capabilities:
        return RecipientError(
            f"the PGP key {number} is disabled in your keyring",
            hint=f"enable it with `gpg --edit-key {primary} enable save`",
        )
    if "E" not in block.capabilities:
        why = {"e": "its subkey for that expired", "r": "its subkey for that was revoked"}
        reason = why.get(block.lost[-1:], "it has no subkey for that")
        return RecipientError(
            f"the PGP key {number} cannot be used to encrypt: {reason}",
            hint=f"its holder can add one (`gpg --quick-add-key {primary} cv25519 encr`); {newer}",
        )
    return None


def _check_wrapped(text: str, number: str, block: KeyBlock) -> None:
    """Make sure that gpg did what it was told, whatever its configuration says."""
    try:
        key_ids = read_message(text).key_ids
    except IntegrityError as error:
        raise RecipientError(
            f"gpg did not give an encrypted message for the PGP key {number}: {error.message}",
            hint="check gpg.conf for options that change what gpg writes",
        ) from None
    if len(key_ids) != 1 or not (key_ids[0] == HIDDEN or key_ids[0] in block.key_ids):
        raise RecipientError(
            f"gpg encrypted for keys other than the PGP key {number}",
            hint="remove recipients and groups from gpg.conf: they could read every file",
        )


def _ending(run: GpgRun) -> str:
    if run.timed_out:
        return "it did not end in time"
    if run.overflowed:
        return "it wrote too much"
    return f"it ended with exit code {run.code}" if run.code >= 0 else "it was killed or could not be started"


def make(environ: Mapping[str, str], _user: User) -> KeyProvider:
    """The provider for one run; gpg asks the user by itself."""
    return PgpProvider(environ)
