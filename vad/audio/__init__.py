"""Sound in and out: decoding, resampling, encoding, the microphone."""
