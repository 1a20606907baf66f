"""What a cluster has: read with kubectl, or from files that kubectl wrote.

Nothing here changes a cluster. Values of Secrets become keyed hashes as soon as they are read; `secrets` is
the only module that sees them.
"""
