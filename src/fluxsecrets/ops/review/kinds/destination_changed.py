"""Rules that publish files to another place, or for other people."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from fluxsecrets.audit.model import ConfigFile
from fluxsecrets.findings import Severity
from fluxsecrets.ops.review.change import Change
from fluxsecrets.ops.review.model import ReviewItem
from fluxsecrets.sops.destinations import DestinationRule
from fluxsecrets.sops.recipients import Recipient, recipient_key

from .kind import Kind, describe, item, listed

INFO = describe(
    "destination-changed",
    Severity.HIGH,
    "files are published to another place, or for other people",
    why="The next `publish` uploads files there, and nobody can take back what was read there. Vault gets "
    "the values in plain text.",
    fix="ask the owner of the secrets whether this is wanted",
)


def check(change: Change) -> Iterator[ReviewItem]:
    """Compare the destination rules of each `.sops.yaml`, by their patterns."""
    before = {each.path: _rules(each) for each in change.before.facts.configs}
    # What can't be read is an item of `rules-changed`.
    readable = [each for each in change.after.facts.configs if each.config is not None]
    after = {each.path: _rules(each) for each in readable}
    for path in sorted(after):
        yield from _of_file(change, path, before.get(path, ()), after[path])


def _rules(config: ConfigFile) -> tuple[DestinationRule, ...]:
    return config.config.destinations if config.config is not None else ()


def _of_file(
    change: Change, path: str, old: Sequence[DestinationRule], new: Sequence[DestinationRule]
) -> Iterator[ReviewItem]:
    waiting: defaultdict[str | None, list[DestinationRule]] = defaultdict(list)
    for rule in reversed(old):
        waiting[rule.path_regex].append(rule)
    for rule in new:
        other = waiting[rule.path_regex].pop() if waiting[rule.path_regex] else None
        what = "all files" if rule.path_regex is None else f"files that match {rule.path_regex}"
        for name, title in _differences(change, other, rule):
            yield item(INFO, path, f"{what} {title}", rule.path_regex or "", name, line=rule.line)


def _differences(
    change: Change, old: DestinationRule | None, new: DestinationRule
) -> Iterator[tuple[str, str]]:
    """A name and a sentence for each."""
    if new.place is not None and (old is None or old.place != new.place):
        was = f", and were to {old.place.shown}" if old is not None and old.place is not None else ""
        yield "place", f"are published to {new.place.shown}{was}"
    had = {recipient_key(one) for one in _readers(old)}
    gained = [one for one in _readers(new) if recipient_key(one) not in had]
    if gained:
        yield "recipients", f"are published for {listed([change.names.of(one) for one in gained])}"
    elif old is not None and old.recreation is not None and new.recreation is None:
        yield "recreation", "are published as they are, and were encrypted again"


def _readers(rule: DestinationRule | None) -> tuple[Recipient, ...]:
    return rule.recreation.recipients if rule is not None and rule.recreation is not None else ()


KIND = Kind(INFO, check)
