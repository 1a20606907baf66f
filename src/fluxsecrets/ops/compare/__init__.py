"""What differs between two versions of secrets, without showing their values.

`compare` compares two versions of one file, `diff` those of a repository's files. Other rooms call these two
and read the `model`; the rest is theirs.
"""
