"""Labels of whole sets: matched to their recordings, read, converted."""
