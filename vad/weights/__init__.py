"""The weights files that come with the package."""
