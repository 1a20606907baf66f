"""What was done with secrets in this repository, as a chain of entries that cannot be changed unseen.

`logfile` appends and verifies, `logview` reads for `fluxsecrets log`. Anything in `ops` may call it; it
calls nothing else in `ops`.
"""
