"""A long test outside of the suite: real kills at random moments while an editor saves files; `make soak`."""
