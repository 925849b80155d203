"""Pictures of recordings. Needs the `[plot]` extra."""
