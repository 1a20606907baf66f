"""Merge three versions of an encrypted file: what git's merge driver does.

`opening` decrypts the versions, `canonical` gives equal values equal ciphertexts, the room `merging` merges
the texts, and `sealing` makes the MAC and the `sops` block of the result.
"""
