"""The form of each command's JSON output, apart from the model.

The renderers return these types, so that the type checker compares. `docs/schema` is generated from them:
the strings below the fields are its descriptions. No command imports them before it fails.
"""
