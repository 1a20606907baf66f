"""Run a command with decrypted values in its environment or in a file, with nothing left on disk.

`execute` is the operation, `child` starts and waits for the command, `fifo` hands over a file, `variables`
says which names a file may not set. Only the commands call it.
"""
