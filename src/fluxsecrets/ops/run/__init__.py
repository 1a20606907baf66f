"""One run of a command: its session, the files it is about, how it writes, and what it returns.

Every command starts here. `session` holds the surroundings, `inputs` turns a named path into a file and its
format, `targets` selects the files of a folder, an environment or the repository. `writer` is the only way to
change files; `journal` makes several writes one step that a crash can't tear. `results` holds what is
returned and logged. Every other room may call this one; it calls `ops/log` only.
"""
