"""A Vault server that is asked without TLS."""

from audit_tree import for_services, repository

DB = "clusters/staging/db.yaml"
KEY = {"vault_address": "https://vault.example:8200", "engine_path": "sops", "key_name": "flux"}
PLAIN = {**KEY, "vault_address": "http://vault.example:8200"}
SILENT = repository().changed({DB: for_services(hc_vault=[KEY], beside=True)})
TRIGGERS = repository().changed({DB: for_services(hc_vault=[PLAIN], beside=True)})
