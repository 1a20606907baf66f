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
    recipient_drift,
    recipient_of_other_environment,
    recipient_unknown,
    reference_missing,
    secret_in_list,
    secret_twice,
    secret_uncovered,
    secret_unused,
    selector_hits_metadata,
    selector_misses_data,
    single_recipient,
    threshold_one,
    weak_recipient,
)

RULES: tuple[AuditRule, ...] = (
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
