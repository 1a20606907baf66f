"""Keys that are two years old."""

from datetime import date

from audit_tree import repository

COMMITS = [("2026-01-10", repository().files)]

SILENT = repository(commits=COMMITS)
TRIGGERS = SILENT.changed(today=date(2028, 1, 10))
SILENT_BY_POLICY = TRIGGERS.changed({".fluxsecrets.yaml": "audit: {identity_days: 1000}\n"})
