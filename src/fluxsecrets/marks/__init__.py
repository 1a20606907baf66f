"""Facts that several rooms must agree on: the form of a ciphertext, of an encrypted file, and of file names.

Everything may import this package, and it imports nothing of fluxsecrets. Every command pays for it at
start-up, so patterns are compiled when they are first used.
"""
