"""Split and trim, and the map from the trimmed times back."""
