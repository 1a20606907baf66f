"""Who can read what, over an environment's life: identities, recipients, joining and leaving.

`admit` lets somebody in, `offboard` lets somebody go, `identity` replaces an environment's key, `keys` and
its neighbours look after the private keys on this machine. It changes files through `ops/files` and
`ops/run`.
"""
