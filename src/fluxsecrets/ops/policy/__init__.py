"""Who may read a file and what in it is encrypted, by the creation rules that apply.

`policy` asks `.sops.yaml`, `strangers` and `drift` compare an encrypted file with it, `overriding` and
`trust` say which configuration counts. All rooms but `run`, `log` and `manifests` may call it.
"""
