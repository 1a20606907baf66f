"""GnuPG, if recipients are PGP keys."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.keys.gpg import EXECUTABLE, find_gpg, gpg_version
from fluxsecrets.ops.doctor.facts import Facts
from fluxsecrets.ops.doctor.model import Check, CheckInfo, Diagnosis, ok, problem
from fluxsecrets.shell import file_word

INFO = CheckInfo("gpg", "gpg")


def check(facts: Facts) -> Iterator[Diagnosis]:
    """Find out whether gpg starts, and reaches its agent. No secret key is used."""
    wanted = [each for each in facts.recipients if each.kind == "pgp"]
    if not wanted:
        return
    count = f"{len(wanted)} recipient{'s are PGP keys' if len(wanted) > 1 else ' is a PGP key'}"
    named = facts.session.environ.get(EXECUTABLE)
    program = find_gpg(facts.session.environ)
    if program is None:
        missing = f"{EXECUTABLE} names a program that is not there" if named else "gpg is not on PATH"
        hint = f"correct {EXECUTABLE}, or unset it" if named else "install GnuPG"
        yield problem(f"{count}, and {missing}", hint=hint)
        return
    version = gpg_version(program, facts.session.environ)
    if version is None:
        yield problem(f"{program} does not start", command=f"{file_word(program)} --version")
        return
    if further := facts.session.own_providers["pgp"].search_further(wanted):
        hint = "then check that `gpg --list-secret-keys` works"
        yield problem(further[0], command="gpgconf --kill gpg-agent", hint=hint)
        return
    yield ok(f"gpg {version}: {count}")


CHECK = Check(INFO, check)
