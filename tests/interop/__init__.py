"""Other programs read what fluxsecrets writes, and fluxsecrets reads what they write: `make interop`."""
