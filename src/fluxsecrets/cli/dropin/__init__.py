"""`fluxsecrets-sops`: takes the command line of `sops`, and does what it does with our own core.

What is carried, and where it differs on purpose, is in docs/sops-compatibility.md.
"""
