"""`env add`: a new environment made after an existing one, planned in whole before anything is written.

It may call every other room except `exec` and `checks`; nothing but the command calls it.
"""
