"""The rules, in the order in which they are listed: one file each, one line each here."""

from __future__ import annotations

from fluxsecrets.audit.rule import AuditRule

from . import (
    cluster_recipient_missing,
    creation_rule_invalid,
    creation_rule_shadowed,
    creation_rule_unused,
    data_key_old,
    decryption_key_missing,
    decryption_missing,
    dependency_broken,
    dependency_missing,
    file_changed,
    mac_missing,
    plain_secret,
    plain_secret_file,
    recipient_drift,
    recipient_of_other_environment,
    recipient_unknown,
    reference_missing,
    sealed_secret_template,
    secret_in_list,
    secret_twice,
    secret_uncovered,
    secret_unused,
    selector_hits_metadata,
    selector_misses_data,
    single_recipient,
    sops_foreign_value,
    sops_plain_value,
    threshold_one,
    weak_recipient,
)

RULES: tuple[AuditRule, ...] = (
    plain_secret.RULE,
    plain_secret_file.RULE,
    sops_plain_value.RULE,
    sops_foreign_value.RULE,
    sealed_secret_template.RULE,
    creation_rule_invalid.RULE,
    creation_rule_shadowed.RULE,
    creation_rule_unused.RULE,
    secret_uncovered.RULE,
    selector_hits_metadata.RULE,
    selector_misses_data.RULE,
    secret_in_list.RULE,
    file_changed.RULE,
    mac_missing.RULE,
    recipient_drift.RULE,
    recipient_unknown.RULE,
    recipient_of_other_environment.RULE,
    cluster_recipient_missing.RULE,
    single_recipient.RULE,
    threshold_one.RULE,
    weak_recipient.RULE,
    data_key_old.RULE,
    decryption_missing.RULE,
    decryption_key_missing.RULE,
    reference_missing.RULE,
    secret_unused.RULE,
    dependency_broken.RULE,
    dependency_missing.RULE,
    secret_twice.RULE,
)

_SCANNED = (plain_secret, plain_secret_file, sops_plain_value, sops_foreign_value, sealed_secret_template)
SCANNED_RULES = frozenset(module.INFO.id for module in _SCANNED)
"""Ids of those that `scan` has, too, and finds in more files."""
