"""Data keys wrapped for age recipients of every kind, and opened with age identities of every kind."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path

from fluxsecrets.errors import IdentityError, IntegrityError, LockedError
from fluxsecrets.keys import User
from fluxsecrets.sops.envelope import KeyProvider, NotMine
from fluxsecrets.sops.metadata import WrappedKey
from fluxsecrets.sops.recipients import Recipient, recipient_key

from .agefile import armour, dearmour, parse_age_file, stanza_types, unseal
from .agekeys import AgeKeys
from .host import Host, PassphrasePrompt
from .identities import VARIABLES, Lookup, find_identities, home_folder
from .keyfile import AgeIdentity
from .turns import Turns, in_turn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .agefile import AgeFile, Stanza, Unwrap
    from .agerecipients import Sealer


class AgeProvider(Turns):
    """Wraps for age recipients, and unwraps with the age identities of this user.

    Identities are looked for once, when the first key is unwrapped; wrapping never looks. Threads can
    share it, and take turns.

    Instances can be pickled to start worker processes. Where identities were already found the pickle holds
    them, so that nothing is searched, run or asked for twice: send it through a pipe to a worker, never to
    a file. Workers never ask the user; see `unlock`.
    """

    kind = "age"
    waits = False

    def __init__(
        self,
        find: Callable[[], Lookup],
        found: Lookup | None = None,
        *,
        host: Host | None = None,
        allowed_plugins: frozenset[str] | None = None,
    ) -> None:
        """Make a provider.

        Args:
            find: the search to run at need.
            found: its result, where it is already known.
            host: whom passphrases are asked of, and how programs are run.
            allowed_plugins: names of the plugins that may run to encrypt for a recipient, beside those that
                an identity of this user belongs to; None allows all, which is right where recipients come
                from the user's own rules or command line. To decrypt, only the plugins of the user's own
                identities run, whatever a file says.
        """
        super().__init__()
        self._keys = AgeKeys(find, found, host)
        self._allowed_plugins = allowed_plugins
        self._met_ssh = False
        self._sealers: dict[str, Sealer] = {}
        self._parsed: dict[str, object] = {}
        self._broken_plugins: dict[str, IdentityError] = {}

    @classmethod
    def from_environment(
        cls,
        environ: Mapping[str, str],
        *,
        platform: str = sys.platform,
        home: Path | None = None,
        ask: PassphrasePrompt | None = None,
        notify: Callable[[str], None] | None = None,
        warn: Callable[[str], None] | None = None,
        allowed_plugins: frozenset[str] | None = None,
    ) -> AgeProvider:
        """Make a provider that looks where sops looks.

        Args:
            environ: the environment; only `identities.VARIABLES` are kept of it.
            platform: as `sys.platform` has it.
            home: the home folder; by default the one that `environ` names.
            ask: asks for passphrases; where it is None, what needs one stays closed, with an error.
            notify: shows messages of plugins.
            warn: says that others can read a key file.
            allowed_plugins: see `AgeProvider`.
        """
        kept = {name: environ[name] for name in VARIABLES if name in environ}
        home = home if home is not None else home_folder(kept, platform)
        find = partial(find_identities, kept, platform=platform, home=home)
        return cls(find, host=Host(kept, ask, notify, warn), allowed_plugins=allowed_plugins)

    def __getstate__(self) -> dict[str, object]:
        """Pickle what was found, in text; parsed keys are made anew."""
        return {**super().__getstate__(), "_sealers": {}, "_parsed": {}}

    @in_turn
    def lookup(self) -> Lookup:
        """Find identities, at the first call; later calls give that, and what came to be known since."""
        return self._keys.lookup()

    @in_turn
    def check(self, recipient: Recipient) -> None:
        """Raise RecipientError where the recipient is malformed, or its plugin missing or not allowed."""
        self._sealer(recipient)

    @in_turn
    def wrap(self, recipient: Recipient, secret: bytes) -> WrappedKey:
        """Encrypt a data key or a share of one for a recipient, as armoured text.

        Raises:
            RecipientError: malformed, or it could not be encrypted for.
        """
        return WrappedKey(recipient, armour(self._sealer(recipient)(secret)))

    @in_turn
    def unwrap(self, key: WrappedKey) -> bytes | NotMine:
        """Decrypt a wrapped key, the identity of its recipient first, then with the others.

        Whom a key is for stands unauthenticated in the file, so that all identities are tried, as sops does.
        Commands, plugins and passphrases come last, since they cost time or the user's attention.

        Raises:
            LockedError: no identity opens it, and some key that might was not unlocked.
            IdentityError: no identity opens it, and some key could not be read or understood.
            IntegrityError: the wrapped key is damaged, protected by a passphrase, or is said to be for one
                of the identities and is not.
        """
        recipient = _text(key.recipient)
        data = dearmour(key.enc)
        types = stanza_types(data)
        if "scrypt" in types:
            # Never from sops, and its work factor is the file's to choose.
            from .agerecipients import abbreviate  # only when something fails

            raise IntegrityError(
                f"the data key for {abbreviate(recipient)} is protected by a passphrase, not by this key",
                hint="restore the file from its last good version",
            )
        opening = _Opening(data, types, recipient)
        self._met_ssh = self._met_ssh or recipient.startswith("ssh-")
        failures: list[IdentityError] = []
        for batch in self._keys.batches(recipient, opening.stanzas, failures):
            secret = self._open(opening, batch, failures)
            if secret is not None:
                return secret
            if not failures and any(one.recipient == recipient and one.kind != "plugin" for one in batch):
                raise _mislabelled(recipient)
        if not failures and any(str(one.public) == recipient for one in self.lookup().locked):
            raise _mislabelled(recipient)  # its header does not name the key that its label names
        return self._not_mine(recipient, failures)

    @in_turn
    def unlock(self, recipients: Iterable[Recipient]) -> None:
        """Ask now for what opening a file for these recipients would ask for: passphrases and commands.

        To be called before worker processes are started, since those never ask. It raises nothing: what
        fails is told when the file is opened.
        """
        self._keys.unlock(_text(one) for one in recipients if one.kind == self.kind)

    @in_turn
    def identity_of(self, recipient: str) -> AgeIdentity:
        """Return the private key of a recipient, to be kept elsewhere; asks the user where that is necessary.

        Raises:
            IdentityError: it is in none of the places, or could not be had.
        """
        failures: list[IdentityError] = []
        found = self._keys.find(_text(Recipient(self.kind, recipient)), failures)
        if found is not None:
            return found
        from .agerecipients import abbreviate

        places = ", ".join(self.looked_in())
        raise IdentityError(
            f"you do not have the identity of {abbreviate(recipient)}",
            details=[*(str(failure) for failure in failures), f"looked in: {places}"],
            hint="`fluxsecrets keys list` shows those that you have",
        )

    @in_turn
    def at_hand(self, recipient: Recipient) -> bool:
        """Whether its identity is here: no command, passphrase, device or keyring is needed."""
        return self._keys.at_hand(_text(recipient))

    @in_turn
    def owns(self, recipient: Recipient) -> bool:
        """Return whether the recipient is one of `own_recipients`."""
        return _text(recipient) in self.own_recipients()

    @in_turn
    def own_recipients(self) -> frozenset[str]:
        """Return the public keys of all identities that were found without asking the user.

        SSH keys are without a comment, see `recipient_key`; those behind a passphrase are there too, and
        those in the OS keyring. Not there: what commands and encrypted key files may hold, while
        they were not needed yet.
        """
        return self._keys.recipients()

    @in_turn
    def search_further(self, recipients: Sequence[Recipient]) -> tuple[str, ...]:
        """Run the commands that print keys; then name what tells its public keys to the user alone."""
        return self._keys.search_further(_text(one) for one in recipients if one.kind == self.kind)

    @in_turn
    def looked_in(self) -> tuple[str, ...]:
        """Where identities were looked for, one line per place; nothing if there was no need to look.

        The SSH keys that everybody has are named where one was of use, or a file was for an SSH key.
        """
        found = self._keys.found
        if found is None:
            return ()
        return tuple(
            str(place) for place in found.places if place.found or self._met_ssh or not place.ssh_default
        )

    def _sealer(self, recipient: Recipient) -> Sealer:
        text = recipient.id.strip()
        sealer = self._sealers.get(text)
        if sealer is None:
            from .agerecipients import RecipientContext, parse_recipient  # decrypting does without

            context = RecipientContext(self._keys.host, self._allows)
            sealer = self._sealers[text] = parse_recipient(text, context)
        return sealer

    def _allows(self, plugin: str) -> bool:
        if self._allowed_plugins is None or plugin in self._allowed_plugins:
            return True
        return plugin in self._keys.plugins()

    def _open(
        self, opening: _Opening, batch: Sequence[AgeIdentity], failures: list[IdentityError]
    ) -> bytes | None:
        # The recipient's own identity comes first.
        for identity in sorted(batch, key=lambda one: one.recipient != opening.recipient):
            file_key = self._file_key(opening, identity, failures)
            if file_key is not None:
                return unseal(opening.file, file_key)
        return None

    def _file_key(
        self, opening: _Opening, identity: AgeIdentity, failures: list[IdentityError]
    ) -> bytes | None:
        if identity.kind == "plugin":
            return self._ask_plugin(opening, identity, failures)
        kinds = _STANZAS[identity.kind]
        if not any(kind in opening.types for kind in kinds):
            return None
        unwrap = self._parsed.get(identity.secret)
        if unwrap is None:
            try:
                unwrap = self._parsed[identity.secret] = _unwrap(identity)
            except IdentityError as error:
                failures.append(error)
                return None
        return unwrap(opening.stanzas())  # type: ignore[operator,no-any-return]

    def _ask_plugin(
        self, opening: _Opening, identity: AgeIdentity, failures: list[IdentityError]
    ) -> bytes | None:
        from .plugins import PluginError, identity_plugin, plugin_problem, unwrap_with_plugin

        name = identity_plugin(identity.secret)
        problem = self._broken_plugins.get(name)
        if problem is None:
            try:
                return unwrap_with_plugin(self._keys.current_host(), identity.secret, opening.stanzas())
            except PluginError as error:
                problem = plugin_problem(name, error)
                if error.fatal:
                    self._broken_plugins[name] = problem
        if identity.recipient not in ("", opening.recipient):  # it tells that it is another's
            problem = IdentityError(problem.message, hint=problem.hint)
        failures.append(problem)
        return None

    def _not_mine(self, recipient: str, failures: Sequence[IdentityError]) -> NotMine:
        found = self.lookup()
        ssh = found.ssh_problems if recipient.startswith("ssh-") else ()
        problems = (*failures, *found.problems, *ssh)
        if problems:
            first, *others = problems
            kind = LockedError if any(isinstance(each, LockedError) for each in problems) else IdentityError
            raise kind(
                first.message,
                hint=first.hint,
                path=first.path,
                line=first.line,
                details=[str(other) for other in others],
            )
        if found.identities or found.locked:
            return NotMine("not among your identities")
        return NotMine(f"no {'SSH key' if recipient.startswith('ssh-') else 'age identity'} was found")


def _text(recipient: Recipient) -> str:
    """The same recipient always as the same text: an SSH key without its comment."""
    return recipient_key(recipient)[1]


def make(environ: Mapping[str, str], user: User) -> KeyProvider:
    """The provider for one run."""
    return AgeProvider.from_environment(
        environ, ask=user.ask, notify=user.notify, warn=user.warn, allowed_plugins=user.allowed_plugins
    )


class _Opening:
    """A wrapped key that is being opened, taken apart on demand."""

    def __init__(self, data: bytes, types: tuple[str, ...], recipient: str) -> None:
        self.types = types
        self.recipient = recipient
        self._data = data
        self._file: AgeFile | None = None

    @property
    def file(self) -> AgeFile:
        if self._file is None:
            self._file = parse_age_file(self._data)
        return self._file

    def stanzas(self) -> tuple[Stanza, ...]:
        return self.file.stanzas


_STANZAS = {
    "x25519": ("X25519",),
    "post-quantum": ("mlkem768x25519",),
    "ssh": ("ssh-ed25519", "ssh-rsa"),
}
"""The stanzas that identities of a kind open here."""


def _mislabelled(recipient: str) -> IntegrityError:
    from .agerecipients import abbreviate

    return IntegrityError(
        f"the data key for {abbreviate(recipient)} is damaged: its own identity does not open it",
        hint="restore the file from its last good version, or open it with another identity",
    )


def _unwrap(identity: AgeIdentity) -> Unwrap:
    """Load what decrypts with an identity.

    Raises:
        IdentityError: malformed, or it cannot be used here.
    """
    if identity.kind == "ssh":
        from .agessh import identity as parse_ssh

        return parse_ssh(identity.secret, identity.origin)
    if identity.kind == "x25519":
        from .agex25519 import parse_identity
    else:
        from .postquantum import parse_identity
    return parse_identity(identity.secret)
