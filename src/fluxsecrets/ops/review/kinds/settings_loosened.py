"""Settings in `.fluxsecrets.yaml` that let more pass than before."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields

from fluxsecrets.findings import Severity
from fluxsecrets.marks import SETTINGS_NAME
from fluxsecrets.ops.review.change import Change
from fluxsecrets.ops.review.model import ReviewItem
from fluxsecrets.repo.scansettings import ScanSettings
from fluxsecrets.repo.settings import Settings

from .kind import Kind, describe, item

INFO = describe(
    "settings-loosened",
    Severity.MEDIUM,
    "the settings let more pass",
    why="`.fluxsecrets.yaml` decides what `scan`, `audit` and `verify` report. This review was judged by "
    "the settings before the change; the next one is judged by these.",
    fix="check the reason of each, and whether it should expire",
)


@dataclass(frozen=True, slots=True)
class _Looser:
    """One thing that is looser: a name for it, a sentence, and where it is."""

    name: str
    title: str
    line: int | None = None
    severity: Severity | None = None


def check(change: Change) -> Iterator[ReviewItem]:
    """Compare the settings of both states."""
    before, after = change.before, change.after
    if after.settings is None:
        if before.settings is not None and after.error is not None:
            title = f"the settings can't be read: {after.error.message}"
            yield item(
                INFO,
                SETTINGS_NAME,
                title,
                "invalid",
                line=after.error.line,
                severity=Severity.HIGH,
                hint="fix the file: without it, neither the scan nor the audit knows what counts",
            )
        return
    for each in _looser(before.settings or Settings(), after.settings):
        yield item(INFO, SETTINGS_NAME, each.title, each.name, line=each.line, severity=each.severity)


def _looser(old: Settings, new: Settings) -> Iterator[_Looser]:
    yield from _allowed(old, new)
    yield from _scan(old.scan or ScanSettings(), new.scan or ScanSettings())
    yield from _days(old, new)
    for glob in old.secrets:
        if glob not in new.secrets:
            yield _Looser(
                f"secrets {glob}", f"{glob} does not have to be encrypted any more", None, Severity.HIGH
            )
    if old.log.required and not new.log.required:
        yield _Looser("log", "work on secrets does not have to be logged any more")
    if old.age_plugins is not None and (
        more := sorted(set(new.age_plugins or ("any",)) - set(old.age_plugins))
    ):
        yield _Looser("plugins", f"more age plugins may run: {', '.join(more)}")
    if servers := sorted(set(new.trusted_servers) - set(old.trusted_servers)):
        yield _Looser(
            "trusted servers",
            f"more servers may get credentials: {', '.join(servers)}",
            None,
            Severity.HIGH,
        )
    yield from _environments(old, new)


def _allowed(old: Settings, new: Settings) -> Iterator[_Looser]:
    known = {(each.rule, each.path): each for each in old.allow}
    for each in new.allow:
        was = known.get((each.rule, each.path))
        if was is None:
            until = f" until {each.expires}" if each.expires is not None else ""
            title = f"{each.rule} is allowed in {each.path}{until}: {each.reason}"
            yield _Looser(f"allow {each.rule} {each.path}", title, each.line)
        elif was.expires is not None and (each.expires is None or each.expires > was.expires):
            until = f"until {each.expires}" if each.expires is not None else "for good"
            title = f"{each.rule} stays allowed in {each.path} {until}: {each.reason}"
            yield _Looser(f"allow {each.rule} {each.path}", title, each.line)
    accepted = {(each.kustomization, each.behaviour) for each in (old.verify.accept if old.verify else ())}
    for entry in new.verify.accept if new.verify else ():
        if (entry.kustomization, entry.behaviour) not in accepted:
            title = f"{entry.behaviour} is accepted in {entry.kustomization}: {entry.reason}"
            yield _Looser(f"accept {entry.behaviour} {entry.kustomization}", title, entry.line)


def _scan(old: ScanSettings, new: ScanSettings) -> Iterator[_Looser]:
    known = {each.meaning for each in old.rules.allowlists}
    for each in new.rules.allowlists:
        if each.meaning not in known:
            yield _Looser(
                f"allowlist {each.meaning!r}",
                f"a new allowlist: {each.description or 'no reason'}",
                each.line,
            )
    gone = sorted({rule.id for rule in old.rules.rules} - {rule.id for rule in new.rules.rules})
    if gone:
        yield _Looser("rules", f"rules of the team are gone: {', '.join(gone)}")
    for name in ("config", "ignore_file", "secrets_baseline"):
        value = getattr(new, name)
        if value is not None and value != getattr(old, name):
            yield _Looser(f"scan {name}", f"{value} lets findings pass ({name})")
    if more := sorted(set(new.comments) - set(old.comments)):
        yield _Looser("comments", f"comments of {', '.join(more)} let findings pass")


def _days(old: Settings, new: Settings) -> Iterator[_Looser]:
    one, other = Severity.parse(old.audit.fail_on), Severity.parse(new.audit.fail_on)
    if other > one:
        yield _Looser("fail_on", f"`audit` fails from {other} on, and did from {one} on")
    for each in fields(new.audit):
        before, after = getattr(old.audit, each.name), getattr(new.audit, each.name)
        if not each.name.endswith("_days") or before == after:
            continue
        if (after < before) if each.name == "certificate_days" else (after > before):
            title = f"audit.{each.name} is {after}, and was {before}"
            yield _Looser(each.name, title, None, Severity.LOW)


def _environments(old: Settings, new: Settings) -> Iterator[_Looser]:
    for each in old.environments:
        other = new.environment(each.name)
        if other is None:
            yield _Looser(f"environment {each.name}", f"the environment {each.name} is not named any more")
            continue
        gone = [glob for glob in each.files if glob not in other.files]
        if gone:
            yield _Looser(
                f"files {each.name}", f"{', '.join(gone)} is not in {each.name} any more", other.line
            )
        if set(other.cluster_recipients) - set(each.cluster_recipients):
            title = f"the cluster of {each.name} is said to have another key"
            yield _Looser(f"cluster {each.name}", title, other.line)
        if set(other.in_cluster) - set(each.in_cluster):
            title = f"more is said to be in the cluster of {each.name} already"
            yield _Looser(f"in_cluster {each.name}", title, other.line, Severity.LOW)


KIND = Kind(INFO, check)
