"""The programs of age plugins."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from fluxsecrets.keys.agerecipients import plugin_of
from fluxsecrets.ops.doctor.facts import Facts
from fluxsecrets.ops.doctor.model import Check, CheckInfo, Diagnosis, ok, problem
from fluxsecrets.programs import find_program

INFO = CheckInfo("plugins", "age plugins")


def check(facts: Facts) -> Iterator[Diagnosis]:
    """Name the plugins that recipients need, and those that are missing or may not run. None is started."""
    names = (plugin_of(each.id.strip()) for each in facts.recipients if each.kind == "age")
    wanted = Counter(name for name in names if name is not None)
    allowed = facts.session.user().allowed_plugins
    for name, count in sorted(wanted.items()):
        program = find_program(f"age-plugin-{name}", facts.session.environ)
        needed = f"{count} recipient{'s need' if count > 1 else ' needs'} age-plugin-{name}"
        if program is None:
            hint = f"install age-plugin-{name} in a folder of PATH"
            yield problem(f"{needed}, which is not on PATH", hint=hint)
        elif allowed is not None and name not in allowed:
            hint = f"add {name} to age_plugins in .fluxsecrets.yaml if you trust it"
            yield problem(f"{needed}, which may not run to encrypt", hint=hint)
        else:
            yield ok(f"{needed}: {program}")


CHECK = Check(INFO, check)
