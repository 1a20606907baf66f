"""Plan what `init` does; nothing is written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from fluxsecrets.ops.run.session import Session
from fluxsecrets.repo.othertools import find_uses, notes_of

from .coverage import cover
from .holders import candidates, find_holders
from .model import InitPlan, InitRequest
from .nextsteps import committed, hand_edits, next_commands
from .questions import Choose, open_questions
from .rulefit import fresh_rules
from .steps import STEPS
from .steps.step import Situation
from .survey import Survey, look


def plan_init(session: Session, request: InitRequest, choose: Choose | None = None) -> InitPlan:
    """Work out what is missing.

    Args:
        session: the run.
        request: what is wanted.
        choose: asks the user what the request leaves open; None if nobody is there.

    Raises:
        UsageError: there is no work tree, or the request and the repository don't fit; see `holders`.
        ConfigError: settings or rules are invalid, or cannot be added to.
        FileAccessError: a file that is to be written is a link, or cannot be read.
        GitError: git failed.
    """
    survey = look(session, request)
    coverage = cover(survey)
    if choose is not None:
        survey = replace(survey, request=choose(open_questions(survey, coverage)))
    holders = find_holders(survey, coverage.environments)
    situation = Situation(survey, coverage, holders, fresh_rules(survey, coverage, holders))
    planned = [step.plan(situation) for step in STEPS if step.id not in request.skip]
    return InitPlan(
        root=session.shown(survey.tree.root),
        environments=tuple(each.name for each in survey.environments),
        plain=tuple(survey.shown(each.path) for each in survey.secrets if not each.encrypted),
        committed=committed(survey),
        holders=holders.all,
        items=tuple(item for each in planned for item in each.items),
        edits=hand_edits(survey),
        next=next_commands(survey, holders),
        warnings=(*survey.keys.warnings, *_not_analysed(survey)),
        candidates=tuple(
            name for name in candidates(survey) if name not in {each.name for each in holders.readers}
        )
        if situation.fresh
        else (),
        keeping=survey.request.keeping,
        draft=survey.draft,
        finish=tuple(each.finish for each in planned if each.finish is not None),
    )


def _not_analysed(survey: Survey) -> Iterator[str]:
    for note in notes_of(find_uses(survey.tree)):
        yield f"{survey.shown(note.path)}:{note.line}: {note.message}"
