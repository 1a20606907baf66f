"""Whether git's diffs would decrypt files into its object database, or onto the screen."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fluxsecrets.ops.doctor.facts import Facts
from fluxsecrets.ops.doctor.model import Check, CheckInfo, Diagnosis, problem
from fluxsecrets.ops.hooks.attributes import DRIVER
from fluxsecrets.repo.git.config import read_settings
from fluxsecrets.shell import word

INFO = CheckInfo("textconvs", "other diffs")

_NAME = re.compile(r"diff\.(.*)\.(textconv|cachetextconv)")
_DECRYPTS = re.compile(r"\bsops\b|\bfluxsecrets\b.*\bdecrypt\b|\bgpg\b|\bage\b")


def check(facts: Facts) -> Iterator[Diagnosis]:
    """Find textconvs that decrypt: git shows what they print, and keeps it if its cache is on."""
    if facts.repository is None:
        return
    found: dict[str, dict[str, str]] = {}
    for name, value in read_settings(facts.repository, r"^diff\..*\.(textconv|cachetextconv)$"):
        if (parts := _NAME.fullmatch(name)) is not None:
            found.setdefault(parts[1], {})[parts[2]] = value
    for driver, settings in found.items():
        if driver == DRIVER or not _DECRYPTS.search(settings.get("textconv", "")):
            continue
        cached = settings.get("cachetextconv", "false").lower() not in ("false", "no", "off", "0", "")
        if cached:
            yield problem(
                f"the diff driver {driver!a} decrypts, and git keeps what it prints in its object database",
                command=f"git update-ref -d refs/notes/textconv/{word(driver)}",
                hint=f"then set diff.{driver}.cachetextconv to false, and run `git gc --prune=now`",
            )
        else:
            yield problem(
                f"the diff driver {driver!a} decrypts: git shows plain text in every diff",
                command=f"git config --unset-all {word(f'diff.{driver}.textconv')}",
                hint="`diff=fluxsecrets` in .gitattributes shows changes without values",
            )


CHECK = Check(INFO, check)
