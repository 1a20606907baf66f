"""A copy of the repository in which no tool finds a secret: values are placeholders of the same shape.

`run` is the operation. `sources` says which files there are, `plan` what each of them is, `contents` masks
one file, and `building` writes all of them. How each kind of file is masked: `encrypted` with SOPS, `plain`
secrets, `kustomizations`, and in `standins` the Secrets that SealedSecrets and ExternalSecrets stand for.
"""
