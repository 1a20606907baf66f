"""External Secrets: manifests as data, checks, and the stores that hold the values."""
