"""Sealed Secrets: seal, unseal and reseal files, with certificates from files or the cluster.

It reads plain content through `ops/files` and manifests through `ops/manifests`. `ops/convert` and
`ops/newenv` build on it.
"""
