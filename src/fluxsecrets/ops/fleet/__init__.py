"""One scan over many repositories: here in several processes, or on a Dask cluster.

`find` lists the repositories, `task` scans one of them, `wire` carries the result as plain data, `local` and
`cluster` run the tasks, and `scan` makes one result of all of them.
"""
