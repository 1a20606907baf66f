"""What a change does to secrets: two states of a repository, compared as a reviewer wants to read it.

model    what a review is asked, and what it returns
"""
