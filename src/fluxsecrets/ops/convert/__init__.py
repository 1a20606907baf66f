"""Move secrets between SOPS, Sealed Secrets and External Secrets, together with what refers to them.

It opens with `ops/files`, seals with `ops/sealing`, and writes a file, its new name and every reference in
one step. `ops/newenv` calls its decryption blocks.
"""
