"""Completion in shells: what may follow the words of an unfinished command line.

A shell waits for the answer at each press of a key. So commands and options come from `table.json`, which
`make docs` writes, and neither click nor a command is imported. Nothing is decrypted, no question is
asked, nothing is written, and it gives up after two seconds.
"""
