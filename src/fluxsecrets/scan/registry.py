"""All rules of the scanner, for `rules list`, reports and allowances."""

from __future__ import annotations

from fluxsecrets.findings import RuleInfo

from .rules import TOKEN_RULES
from .structure import (
    clients,
    comments,
    connection,
    forms,
    keystores,
    kustomize,
    lastapplied,
    lines,
    machines,
    places,
    sealed,
    secret,
    sops,
    wholefile,
)
from .tokens import token_info

STRUCTURE_RULES: tuple[RuleInfo, ...] = (
    secret.RULE,
    lastapplied.RULE,
    sops.PLAIN,
    sops.FOREIGN,
    sops.LOST,
    sops.MOVED,
    wholefile.PLAIN_FILE,
    sealed.RULE,
    kustomize.LITERAL,
    places.HELM,
    places.CONTAINER,
    places.CONFIG_MAP,
    places.OTHER,
    clients.KUBECONFIG,
    clients.DOCKER,
    clients.LOGIN,
    keystores.RULE,
    machines.STATE,
    machines.CLOUD_INIT,
    lines.ENV_FILE,
    lines.CONFIG,
    comments.RULE,
    connection.RULE,
    forms.COMMAND,
    lines.CODE,
    wholefile.UNREADABLE,
    wholefile.UNREADABLE_ARCHIVE,
)


def all_rules() -> tuple[RuleInfo, ...]:
    """Every rule, those that know a file's structure first."""
    return (*STRUCTURE_RULES, *map(token_info, TOKEN_RULES))
