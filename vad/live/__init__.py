"""A source of sound in time: the loop, what it records, writes and runs."""
