"""What a security officer asks of a repository, in one result: findings, access, environments, lifetimes.

`overview.py` is the way in. `audit --format html` shows the result.
"""
