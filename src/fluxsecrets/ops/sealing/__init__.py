"""Sealed Secrets: seal, unseal, seal again; certificates and the controller's private keys at hand."""
