"""Propose a value for a Secret without a key, and fold proposals into their Secrets with one.

A proposal is an encrypted patch beside the Secret. Flux decrypts the file and patches the Secret with it, so
the value is applied before anybody folds it.
"""
