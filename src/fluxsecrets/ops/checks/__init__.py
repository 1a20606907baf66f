"""What is wrong: the operations behind `scan`, `audit`, `verify`, `encrypt --check` and the git hooks.

They collect facts, let the rules in `audit` and `scan` judge them, and return findings. They write nothing.
Only the commands call it.
"""
