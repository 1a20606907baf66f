"""Sealed Secrets: seal, unseal and reseal files, with certificates from files or the cluster.

It reads plain content with `ops/files` and manifests with `ops/manifests`. `ops/convert` and
`ops/newenv` build on it.
"""
