"""Which environments the user can open."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.ops.doctor.facts import Facts
from fluxsecrets.ops.doctor.model import Check, CheckInfo, Diagnosis, ok, problem, unknown

INFO = CheckInfo("environments", "environments")


def check(facts: Facts) -> Iterator[Diagnosis]:
    """Find out how many encrypted files of each environment the identities open."""
    if facts.is_bare or facts.repository is None:
        return
    usage = facts.usage
    opened = {file.path for file in usage.files if facts.session.opens(file.groups, file.needed)}
    for name, paths in usage.environments.items():
        own = [file for file in usage.files if file.path in paths]
        if not own:
            yield ok(f"{name}: no file is encrypted")
            continue
        count = sum(file.path in opened for file in own)
        yield ok(f"{name}: you can open {count} of {len(own)} encrypted file{'s' * (len(own) > 1)}")
    if usage.files and not opened and facts.keys.keys:
        yield problem(
            "none of your identities opens a file here",
            command="fluxsecrets keys list",
            hint="give your public key to somebody who can run `fluxsecrets recipients add RECIPIENT --all`",
        )
    for error in usage.errors:
        yield unknown(str(error), hint=error.hint or "")


CHECK = Check(INFO, check)
