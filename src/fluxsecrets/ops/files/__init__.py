"""What is done with single files: encrypt, decrypt, edit, set values, re-encrypt, explain.

`content` is the one place that opens and encrypts a file's content; the modules named after a command
prepare the new content of each file and leave the writing to `ops/run`. Rooms for people, sealing, running
commands and checks build on it; it knows nothing of them.
"""
