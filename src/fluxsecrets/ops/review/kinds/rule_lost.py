"""Encrypted files that follow another creation rule than before, or none."""

from __future__ import annotations

from collections.abc import Iterator

from fluxsecrets.findings import Severity
from fluxsecrets.ops.review.change import Change
from fluxsecrets.ops.review.model import ReviewItem
from fluxsecrets.ops.review.rules import Moved, moved_files, needed
from fluxsecrets.sops.recipients import recipient_key
from fluxsecrets.sops.selectors import DEFAULT_SELECTOR

from .kind import Kind, counted, describe, item, listed

INFO = describe(
    "rule-lost",
    Severity.HIGH,
    "files follow another creation rule, or none",
    why="The first rule that matches counts. A new rule above others, or a narrower pattern, silently takes "
    "files from the rule that protected them; without a rule, nothing says who may read a file.",
    fix="check with `fluxsecrets explain FILE` which rule applies to each file",
)


def check(change: Change) -> Iterator[ReviewItem]:
    """Give an item per pair of rules, with the files that went from one to the other."""
    for each in moved_files(change):
        old, new = each.old.path_regex or "all files", each.new
        files = counted(len(each.paths), "encrypted file")
        if new is None:
            title = f"no rule applies to {files} any more; the rule for {old} did"
        else:
            rule = new.path_regex or "all files"
            what = f"the rule for {rule}" if rule != old else f"the same rule in {each.config}"
            title = f"{what} takes {files} from the rule for {old}{_less(change, each)}"
        environments = {name for path in each.paths for name in change.environments(path)}
        yield item(
            INFO,
            each.config,
            title,
            old,
            (new.path_regex or "") if new is not None else "-",
            environments=sorted(environments),
            line=new.line if new is not None else None,
            details=each.paths,
            severity=None if new is None or _less(change, each) else Severity.LOW,
        )


def _less(change: Change, each: Moved) -> str:
    """What the new rule protects less, as the end of a sentence, or ""."""
    old, new = each.old, each.new
    if new is None:
        return ""
    had = {recipient_key(one) for one in old.recipients}
    gained = [change.names.of(one) for one in new.recipients if recipient_key(one) not in had]
    found = [f"names {listed(gained)}, too"] if gained else []
    if old.selector != new.selector and new.selector not in (None, DEFAULT_SELECTOR):
        found.append("has another selector")
    if needed(new) < needed(old):
        found.append("wants fewer key groups")
    if new.mac_only_encrypted and not old.mac_only_encrypted:
        found.append("has mac_only_encrypted")
    return f"; the new rule {' and '.join(found)}" if found else ""


KIND = Kind(INFO, check)
