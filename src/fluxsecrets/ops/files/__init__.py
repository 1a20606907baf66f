"""Operations on single files: encrypt, decrypt, edit, set values, re-encrypt, explain.

`content` alone decrypts a file's content, and `encryption` alone encrypts it. The modules named after a
command prepare the new content of each file, and `ops/run` writes it. The rooms for people, sealing, running
commands and checks build on this room; it does not know them.
"""
