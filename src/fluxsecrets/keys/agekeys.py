"""The age identities of one run: those at hand, and those that a command, a passphrase or a plugin gives.

Identities at hand are tried first. Then commands, the keyring and the user are asked, once per run.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from fluxsecrets.errors import FluxsecretsError, IdentityError, LockedError
from fluxsecrets.records import replace

from .host import Host
from .identities import Found, KeyCommand, LockedKeys, Lookup, Place, age_keys, ssh_key
from .keyfile import KEYRING, MAX_KEY_FILE, AgeIdentity
from .unlocked import KEY_FILE, SSH_KEY, keep, kept_for, needs_person

TYPE_CHECKING = False
if TYPE_CHECKING:  # loaded with the first key that is not for X25519
    from .agefile import Stanza


class AgeKeys:
    """Looks for identities once, and keeps what it learns."""

    def __init__(
        self, find: Callable[[], Lookup], found: Lookup | None = None, host: Host | None = None
    ) -> None:
        """Take the search to run at need, its result where it is known already, and whom to ask."""
        self.host = host or Host()
        self._find = find
        self._found = found
        self._failed: dict[str, IdentityError] = {}
        self._ran: set[tuple[str, str]] = set()
        self._asked_keyring = False
        self._not_in_keyring: Mapping[str, IdentityError] = {}
        self._process = os.getpid()

    def __getstate__(self) -> dict[str, object]:
        """For worker processes: without the user, whom several of them must not ask at once."""
        return {**self.__dict__, "host": self.host.for_workers()}

    @property
    def found(self) -> Lookup | None:
        """What is known by now, None before the search."""
        return self._found

    def lookup(self) -> Lookup:
        """What is known by now; searches at the first call."""
        if self._found is None:
            self._found = self._find()
            for warning in self._found.warnings:
                if (warn := self.current_host().warn) is not None:
                    warn(warning)
        return self._found

    def recipients(self) -> frozenset[str]:
        """The public keys of all identities, those behind a passphrase too where they tell."""
        found = self.lookup()
        known = {identity.recipient for identity in found.identities if identity.recipient}
        locked = {str(locked.public) for locked in found.locked if locked.public is not None}
        return frozenset(known | locked | {stored.recipient for stored in found.stored})

    def search_further(self, recipients: Iterable[str]) -> tuple[str, ...]:
        """Run the key commands for some recipients; asks nobody for a passphrase.

        Returns:
            What may hold an identity of any recipient for all that can be told, for people.
        """
        for recipient in recipients:
            for command in self.lookup().commands:
                self._run(command, recipient)
        found = self.lookup()
        locked = [f"{one.name} is protected by a passphrase" for one in found.locked if one.public is None]
        plugins = [
            f"the plugin identity in {one.origin} does not tell its recipient"
            for one in found.identities
            if one.kind == "plugin" and not one.recipient
        ]
        return (*dict.fromkeys((*locked, *plugins, *(str(problem) for problem in found.problems))),)

    def at_hand(self, recipient: str) -> bool:
        """Whether an identity of this recipient is here, so that nothing and nobody has to be asked."""
        return any(one.recipient == recipient for one in self.lookup().identities)

    def plugins(self) -> frozenset[str]:
        """The names of the plugins that identities at hand belong to."""
        from .plugins import identity_plugin

        found = self.lookup().identities
        return frozenset(identity_plugin(one.secret) for one in found if one.kind == "plugin")

    def current_host(self) -> Host:
        """The host as it is in this process: with the user only where the user may be asked."""
        return self.host if os.getpid() == self._process else self.host.for_workers()

    def find(self, recipient: str, failures: list[IdentityError]) -> AgeIdentity | None:
        """Return the identity of one recipient, wherever it is; asks the user where that is necessary.

        Args:
            recipient: its public key.
            failures: gets what kept places from being looked in.
        """

        def found() -> AgeIdentity | None:
            return next((one for one in self.lookup().identities if one.recipient == recipient), None)

        if found() is None and any(stored.recipient == recipient for stored in self.lookup().stored):
            self._ask_keyring(recipient, failures)
        if found() is None:
            for command in self.lookup().commands:
                self._run(command, recipient)
        for locked in self.lookup().locked:
            if found() is None and (locked.public is None or str(locked.public) == recipient):
                self._try_unlock(locked, failures)
        return found()

    def batches(
        self, recipient: str, stanzas: Callable[[], Sequence[Stanza]], failures: list[IdentityError]
    ) -> Iterator[tuple[AgeIdentity, ...]]:
        """Identities to try, those that nobody has to be asked for first.

        Args:
            recipient: whom the file says that the key is for; commands are told.
            stanzas: gives the header's stanzas; called only where it matters.
            failures: gets what kept an identity from being tried.
        """
        tried: set[str] = set()

        def fresh(*, plugins: bool) -> tuple[AgeIdentity, ...]:
            new = {
                one.secret: one
                for one in self.lookup().identities
                if (one.kind == "plugin") is plugins and one.secret not in tried
            }
            tried.update(new)
            return tuple(new.values())

        yield fresh(plugins=False)
        # Other identities stay in the keyring: it takes longer than all other places.
        if any(stored.recipient == recipient for stored in self.lookup().stored):
            self._ask_keyring(recipient, failures)
            yield fresh(plugins=False)
        for locked in self._meant(stanzas):
            self._try_unlock(locked, failures)
        yield fresh(plugins=False)
        for command in self.lookup().commands:
            self._run(command, recipient)
        for locked in self._meant(stanzas):
            self._try_unlock(locked, failures)
        yield fresh(plugins=False)
        yield fresh(plugins=True)
        for locked in self.lookup().locked:
            if locked.public is None:
                self._try_unlock(locked, failures)
                yield fresh(plugins=False)
                yield fresh(plugins=True)

    def unlock(self, recipients: Iterable[str]) -> None:
        """Ask now for what a file for these recipients would ask for; failures are told with the file."""
        wanted = set(recipients)

        def open_now() -> bool:
            return any(one.recipient in wanted for one in self.lookup().identities)

        failures: list[IdentityError] = []
        if open_now():
            return
        for stored in self.lookup().stored:
            if stored.recipient in wanted:
                self._ask_keyring(stored.recipient, failures)
        for locked in self.lookup().locked:
            if locked.public is not None and not open_now() and str(locked.public) in wanted:
                self._try_unlock(locked, failures)
        for recipient in sorted(wanted):
            for command in self.lookup().commands if not open_now() else ():
                self._run(command, recipient)
        for locked in self.lookup().locked:
            if locked.public is None and not open_now():
                self._try_unlock(locked, failures)

    def _meant(self, stanzas: Callable[[], Sequence[Stanza]]) -> list[LockedKeys]:
        """The locked SSH keys that a header names."""
        locked = [one for one in self.lookup().locked if one.public is not None]
        if not locked or not any(stanza.type.startswith("ssh-") for stanza in stanzas()):
            return []
        from .agessh import is_for

        return [
            one
            for one in locked
            if one.public is not None and any(is_for(one.public, stanza) for stanza in stanzas())
        ]

    def _try_unlock(self, locked: LockedKeys, failures: list[IdentityError]) -> None:
        failed = self._failed.get(locked.path)
        if failed is None:
            try:
                self._keep(unlock_keys(locked, self._ask), instead=locked)
            except IdentityError as error:
                failed = self._failed[locked.path] = error
        if failed is not None:
            failures.append(failed)

    def _ask(self, question: str) -> str:
        needs_person(question)
        # Children of a fork share the terminal with their parent, and each other.
        ask = self.current_host().ask
        if ask is None:
            raise LockedError(
                f"there is nobody to ask for the {question}",
                hint="run it at a terminal, or name an identity that needs no passphrase",
            )
        return ask(question)

    def _ask_keyring(self, recipient: str, failures: list[IdentityError]) -> None:
        """Take all identities out of the OS keyring, once per run; one that fails counts as missing."""
        if not self._asked_keyring:
            self._asked_keyring = True
            from .oskeyring import KeyringError, read_stored

            stored = self.lookup().stored
            try:
                identities, problems = read_stored(
                    stored, timeout=self.host.keyring_timeout, notify=self.current_host().notify
                )
            except KeyringError as error:
                self._keep(Found(Place(KEYRING, note=error.note)))
                self._not_in_keyring = dict.fromkeys((one.recipient for one in stored), error)
            else:
                self._keep(Found(Place(KEYRING, len(identities)), identities))
                self._not_in_keyring = problems
        if recipient in self._not_in_keyring:
            failures.append(self._not_in_keyring[recipient])

    def _run(self, command: KeyCommand, recipient: str) -> None:
        if (command.name, recipient) in self._ran:
            return
        self._ran.add((command.name, recipient))
        self._keep(_run_command(command, recipient, self.host))

    def _keep(self, new: Found, *, instead: LockedKeys | None = None) -> None:
        """Add what a place gave after the search."""
        found = self.lookup()
        known = {identity.secret for identity in found.identities}
        problems = {str(problem) for problem in found.problems}
        locked = tuple(one for one in found.locked if one is not instead)
        if new.locked is not None and new.locked not in locked:
            locked = (*locked, new.locked)
        identities = (*found.identities, *(one for one in new.identities if one.secret not in known))
        self._found = replace(
            found,
            identities=identities,
            problems=(*found.problems, *(one for one in new.problems if str(one) not in problems)),
            locked=locked,
            places=tuple(_renewed(place, new.place, identities) for place in found.places),
        )


def _renewed(place: Place, new: Place, identities: Sequence[AgeIdentity]) -> Place:
    """A place, after it gave something: a command may have been run for several recipients by now."""
    if place.name != new.name:
        return place
    count = sum(identity.origin.startswith(place.name) for identity in identities)
    return replace(place, found=max(count, new.found), note=new.note)


def unlock_keys(locked: LockedKeys, ask: Callable[[str], str]) -> Found:
    """Open keys with the passphrase that the user gives, or gave before: see `unlocked`.

    Raises:
        LockedError: nobody answered, or the answer is wrong.
        IdentityError: the file is damaged, or can't be used.
    """
    question = f"passphrase for {locked.name}"
    if locked.public is None:
        from .lockedfile import check_locked, unlock_file

        check_locked(locked.data, path=locked.path)
        text = kept_for(KEY_FILE, locked.data)
        if text is None:
            text = unlock_file(locked.data, _answer(ask, question, locked.path), path=locked.path)
            keep(text, KEY_FILE, locked.data)
        opened = age_keys(text, name=locked.name, origin=locked.name, path=locked.path)
        if opened.locked is None:
            return opened
        raise IdentityError("this key file is encrypted twice", hint="decrypt it once", path=locked.path)
    # What an older kind of file opens to counts only for the public key beside it.
    parts = (locked.data, str(locked.public).encode())
    if (known := kept_for(SSH_KEY, *parts)) is not None:
        return _ssh_identity(known.decode("ascii", "replace"), locked)
    from .sshkeys import unlock_private

    text_of_key = locked.data.decode("utf-8-sig", "replace").replace("\r\n", "\n").strip() + "\n"
    plain, public = unlock_private(text_of_key, _answer(ask, question, locked.path), path=locked.path)
    if public != locked.public:
        raise IdentityError(
            "the .pub file beside this SSH key belongs to another key",
            hint=f"write it anew: ssh-keygen -y -f {locked.path} > {locked.path}.pub",
            path=locked.path,
        )
    keep(plain.encode("ascii"), SSH_KEY, *parts)
    return _ssh_identity(plain, locked)


def _ssh_identity(plain: str, locked: LockedKeys) -> Found:
    return Found(Place(locked.name, 1), (AgeIdentity(plain, str(locked.public), locked.name, kind="ssh"),))


def _answer(ask: Callable[[str], str], question: str, path: str) -> str:
    try:
        answer = ask(question)
    except FluxsecretsError as error:
        raise LockedError(error.message, hint=error.hint, path=path) from None
    if not answer:
        raise LockedError("no passphrase was given", hint="run the command again", path=path)
    return answer


def _run_command(command: KeyCommand, recipient: str, host: Host) -> Found:
    """Run a key command; what went wrong is among the problems, as with key files."""
    from .commands import run_key_command, split_command

    try:
        try:
            words = split_command(command.command)
        except ValueError as error:
            raise IdentityError(
                f"the command in {command.name} cannot be understood: {error}",
                hint="quote it as for a shell; it is run without one, though",
            ) from None
        output = run_key_command(
            words,
            name=command.name,
            environ=host.environment(SOPS_AGE_RECIPIENT=recipient),
            limit=MAX_KEY_FILE,
            timeout=host.command_timeout,
        )
    except IdentityError as error:
        return Found(Place(command.name, note="failed"), problems=(error,))
    read = ssh_key if command.ssh else age_keys
    return read(output, name=command.name, origin=command.name, path=command.name)
