"""Who can read what, over an environment's life: identities, recipients, joining and leaving.

`admit` adds somebody, `offboard` removes somebody, and `identity` replaces a cluster's key. `exposure` says
who could read what at any time; `leavers` keeps what is left to change after somebody left, and
`knownvalues` tells the audit what they still know. `keys` looks after the private keys on this machine,
`keystore` after the places that hold them. The room changes files through `ops/files` and `ops/run`.
"""
