"""Publish encrypted files to where `destination_rules` say: buckets get ciphertext, Vault gets the values.

Everything is opened, checked and compared with what is at its destination before the first file is uploaded.
"""
