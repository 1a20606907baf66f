"""What this clone and this machine lack: `doctor`.

`checks` has one file per check; each looks at `facts`, and yields diagnoses. `examine` runs them all. Nothing
is changed, and nothing is decrypted.
"""
