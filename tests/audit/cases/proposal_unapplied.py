"""A proposal whose entry was lost."""

from audit_tree import proposal, without_its_entry

SILENT = proposal()
TRIGGERS = without_its_entry(SILENT)
