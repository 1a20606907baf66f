"""Sealed Secrets: codec, certificates, keys and manifests. No files, no network."""
