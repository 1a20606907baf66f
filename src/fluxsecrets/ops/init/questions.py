"""Questions to the user: who they are, and where new private keys are kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from fluxsecrets.errors import UsageError
from fluxsecrets.ops.people.ownkeys import OwnKey

from .coverage import Coverage
from .holders import candidates, has_key, own_candidates, person_name
from .model import InitRequest
from .survey import Survey


@dataclass(frozen=True, slots=True)
class Questions:
    """What is open.

    Attributes:
        identities: the person's may be any of these; empty if it is clear.
        name: a proposal for a person without a name, or "" if it is taken; None if there is a name.
        makes_keys: private keys are made.
        readers: others who may read what gets new rules; empty if there are none of these.
    """

    identities: tuple[OwnKey, ...]
    name: str | None
    makes_keys: bool
    readers: tuple[str, ...]


Choose = Callable[[Questions], InitRequest]
"""Asks the user, and returns the request with the answers in it."""


def open_questions(survey: Survey, coverage: Coverage) -> Questions:
    """Return what the request leaves open, and the repository does not say."""
    request = survey.request
    found = own_candidates(survey) if request.identity is None else ()
    unnamed = request.identity is None and not any(survey.public.get(key.recipient) for key in found)
    made = request.identity is None and not found
    return Questions(
        identities=found if len(found) > 1 else (),
        name=_proposal(survey) if unnamed and request.name is None else None,
        makes_keys=made or not all(has_key(survey, name) for name in coverage.environments),
        readers=candidates(survey) if coverage.owners and not request.readers else (),
    )


def _proposal(survey: Survey) -> str:
    try:
        return person_name(survey)
    except UsageError:  # somebody else has it
        return ""
