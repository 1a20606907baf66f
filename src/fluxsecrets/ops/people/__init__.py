"""Who can read what, over an environment's life: identities, recipients, joining and leaving.

`admit` adds somebody, `offboard` removes somebody, and `identity` replaces a cluster's key. `versions` reads
who could read what at any time, `live` finds where values are now, and `compare` compares values without
keeping them. `exposure` and `leftvalues` draw the conclusions; `leavers` keeps what is left to change after
somebody left, and `knownvalues` tells the audit what they still know. `keys` looks after the private keys on
this machine, `keystore` after the places that hold them. The room changes files through `ops/files` and
`ops/run`.
"""
