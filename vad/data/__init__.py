"""Sound and labels to corpus folders: gathered, checked, labelled, imported. Needs no torch."""
