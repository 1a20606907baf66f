"""`python -m fluxsecrets`; with `python -I -m fluxsecrets` nothing in the environment takes our place."""

from fluxsecrets.cli.entry import main

if __name__ == "__main__":
    main()
