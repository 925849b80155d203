"""Training sound, drawn from a seed."""
