"""Secrets moved between SOPS, SealedSecrets, ExternalSecrets and plain text, with all that refers to them."""
