"""One run of a command: its session, the files it is about, how it writes, and what it returns.

Every command starts here. `session` holds the surroundings, `targets` turns what the user named into files,
`batches` and `changes` write what was prepared, `journal` makes several writes one step that a crash cannot
tear. Every other room may call it; it calls `ops/log` only.
"""
