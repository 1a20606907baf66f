"""What fluxsecrets writes, read back by programs that others wrote: `make interop`."""
