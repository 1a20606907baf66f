"""The common forms of command lines, read without click, whose import takes longer than decrypting a file.

`table` has the forms, `parse` reads a command line or leaves it to click, `start` runs the command. What is
read here is what click would read: `tests/cli/quick` compares the table and the values with click's own.
"""
