"""A proposal that nobody folded for a month."""

from datetime import date

from audit_tree import proposal, without_its_entry

SILENT = proposal()
TRIGGERS = SILENT.changed(today=date(2027, 1, 25))
SILENT_IF_IT_IS_NOT_APPLIED = without_its_entry(TRIGGERS)
