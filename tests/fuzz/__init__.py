"""Damaged input of every kind that is read: `python tests/fuzz --help`."""
