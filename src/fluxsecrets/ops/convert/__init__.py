"""Convert secrets between SOPS, Sealed Secrets and External Secrets, with everything that refers to them.

It decrypts with `ops/files`, seals with `ops/sealing`, and writes a file, its new name and every reference in
one step. `ops/newenv` calls its decryption blocks.
"""
