"""A live stream: the loop over its source, sound files of its utterances, its events, its commands."""
