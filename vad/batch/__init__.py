"""Many recordings: which they are, who works on them, where the results go."""
