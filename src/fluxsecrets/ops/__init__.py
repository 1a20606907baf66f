"""What the commands do: each operation takes a request, composes the parts below and returns results.

The rooms and who may call whom: log <- run <- policy <- files <- people; run <- manifests; files, manifests
<- sealing <- convert; files <- exec; files, people <- checks; sealing, people, convert <- newenv. A
contract of import-linter holds these directions. Operations return data; prose is made in `report`.
"""
