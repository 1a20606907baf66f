"""Compare an environment with its cluster: `verify --cluster`.

`verify` is the way in. It reads the cluster, makes sure that it is the environment's, and runs the checks:
one file each in `checks`, over one `Situation`. Nothing in the cluster is changed.
"""
