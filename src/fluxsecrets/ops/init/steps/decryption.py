"""`spec.decryption` of Kustomizations that bring Secrets: shown, since `init` changes no manifest."""

from __future__ import annotations

from fluxsecrets.ops.init.model import Action, Item, StepPlan
from fluxsecrets.ops.init.nextsteps import hand_edits

from .step import Situation, Step

_ID = "decryption"


def _plan(situation: Situation) -> StepPlan:
    return StepPlan(
        tuple(
            Item(
                _ID,
                Action.YOURS,
                each.path if each.line is None else f"{each.path}:{each.line}",
                f"the Kustomization {each.name} applies Secrets and has no `decryption`",
            )
            for each in hand_edits(situation.survey)
        )
    )


STEP = Step(_ID, _plan, skippable=False)
