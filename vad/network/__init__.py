"""The network in torch, and the way from it to a weights file. Needs the `[train]` extra."""
