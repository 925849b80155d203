"""`vad review`: a page in the browser to see, hear and correct what is detected, and to train on it."""
