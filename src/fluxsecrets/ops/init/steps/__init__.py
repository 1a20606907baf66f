"""The steps of `init`, one file per step.

A step has an id, which `--skip` takes, and a function that plans: it notes what is to be written in the
draft, and returns what is to be said. It may return a function that is called when the files are written.
"""

from __future__ import annotations

from . import baseline, ci, decryption, files, git, ignored, keys, rules
from .step import Step

STEPS: tuple[Step, ...] = (
    keys.STEP,
    rules.STEP,
    files.STEP,
    ignored.STEP,
    git.STEP,
    ci.STEP,
    baseline.STEP,
    decryption.STEP,
)
"""In the order in which they are planned and shown."""

SKIPPABLE: tuple[str, ...] = tuple(step.id for step in STEPS if step.skippable)
"""What `--skip` takes."""
