"""Which object each command prints with `--format json`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from . import changes, environments, extract, files, findings, flux, init, people, proposals, records, state

OUTPUTS: Final[Mapping[str, tuple[type, ...]]] = {
    "init": (init.Init,),
    "init --from-sops": (init.FromSops,),
    "encrypt": (files.Encrypted,),
    "decrypt": (files.Decrypted,),
    "set": (files.ValueSet,),
    "unset": (files.ValueSet,),
    "propose": (proposals.Proposed,),
    "fold": (proposals.Folded,),
    "extract": (extract.Extraction,),
    "status": (state.Status,),
    "explain": (state.Explanation,),
    "diff": (changes.Difference,),
    "rotate": (files.Rekeyed,),
    "recipients list": (people.RecipientList,),
    "recipients add": (files.Rekeyed,),
    "recipients remove": (files.Rekeyed,),
    "recipients sync": (files.Rekeyed,),
    "recipients report": (people.LeaverReport,),
    "recipients exposure": (people.Exposure,),
    "seal": (files.Moved,),
    "unseal": (state.Validation,),
    "reseal": (files.Moved,),
    "convert": (files.Moved,),
    "publish": (files.Published,),
    "audit": (findings.Audit,),
    "audit --who": (findings.Matrix,),
    "verify": (flux.Verification,),
    "review": (flux.Review,),
    "render": (flux.Rendering,),
    "env list": (environments.EnvironmentList,),
    "env suggest": (environments.Suggestions,),
    "env show": (environments.EnvironmentShown,),
    "env add": (environments.EnvironmentAdded,),
    "keys list": (people.IdentityList,),
    "keys generate": (people.KeptIdentities,),
    "keys import": (people.KeptIdentities,),
    "keys remove": (people.RemovedIdentity,),
    "scan": (findings.Scan,),
    "rules": (findings.Rules,),
    "hook install": (records.HooksChanged,),
    "hook uninstall": (records.HooksChanged,),
    "hook status": (records.HookStates,),
    "version": (records.Versions,),
    "doctor": (records.Doctor,),
    "resolve": (changes.Resolving,),
    "recover": (changes.Recovery, changes.Recovered),
    "log": (records.Log,),
    "log verify": (records.LogCheck,),
}
"""By the object's `command`. A command that ends before it has a result prints `common.Failure`."""
