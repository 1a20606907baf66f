"""What git is told about secrets in a repository: its hooks.

`install` puts hooks into place and removes them, `state` reports whether git runs them. `order` reads other
programs' hooks, which may stage files after the check. The commands call it; nothing here scans.
"""
