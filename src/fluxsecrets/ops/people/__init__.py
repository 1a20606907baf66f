"""Who can read what, over an environment's life: identities, recipients, joining and leaving.

`admit` adds somebody, `offboard` removes somebody, and `identity` replaces a cluster's key. `versions` reads
who could read what at any time, `live` finds where values are now, and `compare` compares values without
keeping them. `exposure` and `leftvalues` draw the conclusions; `leavers` keeps what is left to change after
somebody left, and `knownvalues` tells the audit what they still know. The room changes files through
`ops/files` and `ops/run`.

Of the private keys on this machine, `ownkeys` lists them, `newkeys` makes and imports, `keyexport` copies and
`keyremoval` removes one. `namedkeys` finds a key by its name; `keystore` knows the places that hold keys.
"""
