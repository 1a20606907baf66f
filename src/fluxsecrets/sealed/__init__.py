"""Sealed Secrets: the codec, certificates and keys, and the manifests; pure, without files or network."""
