"""Scan one file for its secrets.

First one pass tells which patterns occur. Most files end there. The others are read by their structure:
manifests by their objects, files of lines by their names and values, any text by its tokens. Matches of
the same bytes become one, that of the rule which knows most about the place.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from fluxsecrets.findings.fingerprint import told_apart

from .blob import Blob
from .filekinds import is_login_file, is_yaml
from .harmless import LARGEST, HarmlessLines
from .match import Rank
from .matcher import Hit, Matcher
from .mentions import are_references
from .merge import finding_of, merged
from .patterns import ends_of, token_rules, triggers_of
from .prepared import prepared_matcher
from .reading import Reading
from .scanned import Context, Scanned
from .triggers import AROUND, ASSUMED, NAMED, PARSE, Trigger
from .valuekey import ValueKey

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fluxsecrets.findings.allow import InlineAllowance

    from .custom import CustomRules


class Engine:
    """Scans files, one after the other."""

    def __init__(
        self,
        cache: Path | None = None,
        matcher: Matcher | None = None,
        key: ValueKey | None = None,
        custom: CustomRules | None = None,
        *,
        shortcuts: bool = True,
    ) -> None:
        """Make or load the matcher.

        Args:
            cache: the folder for compiled patterns, or None.
            matcher: one to use.
            key: that of the run, by default a new one.
            custom: rules of the team, or None.
            shortcuts: leave out work that can't find anything. Without them, every file is read as if it
                had all signs, and findings are the same.
        """
        self._matcher = matcher or prepared_matcher(cache)
        self.key = key or ValueKey()
        self.custom = custom
        self._lines = HarmlessLines(self._finds_nothing) if shortcuts else None

    def with_custom(self, custom: CustomRules | None) -> Engine:
        """Return an engine with other rules of the team, and the rest in common."""
        if custom is self.custom:
            return self
        return Engine(None, self._matcher, self.key, custom, shortcuts=self._lines is not None)

    def scan(self, blob: Blob, context: Context = Context()) -> Scanned:  # noqa: B008 - immutable
        """Scan a file's content."""
        found = self._matcher.places(blob.data)
        if not found:
            if not blob.data.strip():
                return Scanned(blob.path, empty=True)
            if self._lines is not None and self._is_clean(blob, context):
                return Scanned(blob.path)
        numbers = {number for number, _ in found}
        hits = triggers_of(numbers)
        if self._lines is None:
            hits |= ASSUMED
        if Trigger.SECRET in hits and are_references(blob.data, ends_of(found, Trigger.SECRET)):
            hits -= {Trigger.SECRET}
        if not hits.isdisjoint(NAMED) and self._needs_no_parsing(blob, hits, found):
            hits -= NAMED
        rules = token_rules(numbers, blob.data)
        reading = Reading(blob, context, hits, self.hits, self.custom)
        looks = hits or rules or context.whole or is_login_file(blob.path)
        matches = reading.whole(reading.read(rules) if looks else [])
        allowances = _inline_allowances(blob) if Trigger.ALLOWANCE in hits else ()
        if self.custom is not None:
            beside = self.custom.hits(blob.data)
            matches += self.custom.find(blob, blob.data, beside, None)
            matches += self.custom.find_files(blob)
            allowances += self.custom.comments(blob, beside)
        findings = told_apart(finding_of(blob, match, self.key, self.custom) for match in merged(matches))
        scanned = Scanned(
            blob.path,
            findings,
            allowances,
            tuple(reading.ciphertexts),
            tuple(reading.generated),
            reading.encrypted,
            any(match.rank is Rank.PLACE for match in matches),
            problem=reading.problem,
        )
        containers = [blob, *reading.members] if Trigger.CONTAINER in hits else reading.members
        for container in containers:
            scanned = self.with_members(scanned, container, context)
        return scanned

    def with_members(self, scanned: Scanned, blob: Blob, context: Context) -> Scanned:
        """The result of a container, with those of the files in it."""
        from .inside import look_inside

        inside = look_inside(
            lambda member, budget: self.scan(member, Context("", None, budget)), blob, context.budget
        )
        found = [finding for each in inside.scanned for finding in each.findings]
        values = {finding.value_id for finding in found} - {None}  # uncompressed, it is seen twice
        own = [finding for finding in scanned.findings if finding.value_id not in values]
        problems = (scanned.problem, inside.problem, *(each.problem for each in inside.scanned))
        return scanned._replace(
            findings=(*own, *found),
            allowances=(
                *scanned.allowances,
                *(allowance for each in inside.scanned for allowance in each.allowances),
            ),
            problem=next((problem for problem in problems if problem is not None), None),
        )

    def _is_clean(self, blob: Blob, context: Context) -> bool:
        """Whether a file without any sign in its content holds no secret: nor do its name or rules say so."""
        if self.custom is not None or context.whole or is_login_file(blob.path):
            return False
        reading = Reading(blob, context, frozenset(), self.hits)
        return not reading.whole([]) and reading.problem is None

    def _needs_no_parsing(self, blob: Blob, hits: frozenset[Trigger], found: Sequence[Hit]) -> bool:
        """Whether the telling names of a manifest have harmless values only."""
        if self._lines is None or not hits & PARSE <= NAMED or blob.part or len(blob.data) > LARGEST:
            return False
        if blob.binary or not is_yaml(blob.path):
            return False
        if not self._lines.are_all(blob.data, ends_of(found, Trigger.ASSIGNED)):
            return False
        if hits.isdisjoint(AROUND):
            return True
        from .around import have_no_value_beside, hold_no_value_below, hold_nothing_random

        return (
            hold_no_value_below(blob.data, ends_of(found, Trigger.BELOW))
            and hold_nothing_random(blob.data, ends_of(found, Trigger.PLURAL))
            and have_no_value_beside(blob.data, ends_of(found, Trigger.PAIR))
        )

    def _finds_nothing(self, line: bytes) -> bool:
        """Whether no rule finds anything in a line alone, neither in a manifest nor in other text."""
        from .assignments import Surroundings
        from .structure.lines import CODE, judge_text

        blob = Blob("line.yaml", line + b"\n")
        signs = triggers_of(self._matcher.hits(blob.data))  # tokens are looked for in the whole file
        if not signs <= NAMED:
            return False
        blobs = [blob]
        if b"#" in line:  # which starts no comment in a text of several lines
            blobs.append(Blob("line.yaml", b"text: |\n  " + line + b"\n"))
        for each in blobs:
            reading = Reading(each, Context(), frozenset({Trigger.ASSIGNED}), self.hits)
            if reading.read(()) or reading.problem is not None:
                return False
        return not any(judge_text(blob, CODE, Surroundings.CONFIGURATION))

    def hits(self, data: bytes) -> Collection[int]:
        """The numbers of the patterns that may occur in some bytes."""
        return self._matcher.hits(data)


def _inline_allowances(blob: Blob) -> tuple[InlineAllowance, ...]:
    from fluxsecrets.findings.allow import find_inline

    return find_inline(blob.data, blob.path)
