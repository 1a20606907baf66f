"""The one place that reads and writes files: bounded, atomic, and never through a link that nobody checked.

`reading` reads whole regular files up to a limit, and turns the system's errors into ours. `writing`
replaces and creates files, one or a batch of them, and `durability` has the disk confirm it. `links`
resolves a path that must stay inside a repository. `locks` keeps other runs out, `private` makes folders for
plain text. `system` serves these modules only: it names what differs between operating systems.

Everything above `sops` calls these modules; they know of nothing but errors.
"""
