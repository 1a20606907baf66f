"""What differs between versions of libyaml."""

TOO_DEEP = "exceeded maximum nesting depth"
"""libyaml from 0.2.6 says so of 1,000 levels. Its scanner reads ahead, so that in flow collections this comes
before the events by which a lower limit would be noticed."""
