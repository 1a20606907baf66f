"""The SOPS file format: bytes in, bytes out; no files, no keys, no command line."""
