"""A file that nobody encrypted for two years."""

from datetime import date

from audit_tree import repository

SILENT = repository()
TRIGGERS = SILENT.changed(today=date(2028, 11, 25))
SILENT_BY_POLICY = TRIGGERS.changed({".fluxsecrets.yaml": "audit: {data_key_days: 1000}\n"})
