"""Training: recipe, corpus, mixtures, loop. Needs the `[train]` extra."""
