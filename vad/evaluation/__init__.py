"""How well detected speech agrees with a reference: in time, in segments, and at every threshold."""
