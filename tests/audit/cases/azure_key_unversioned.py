"""A key of Azure without its version."""

from audit_tree import for_services, repository

DB = "clusters/staging/db.yaml"
KEY = {"vault_url": "https://example.vault.azure.net", "name": "sops", "version": "0123456789"}
SILENT = repository().changed({DB: for_services(azure_kv=[KEY], beside=True)})
TRIGGERS = repository().changed({DB: for_services(azure_kv=[{**KEY, "version": ""}], beside=True)})
