"""Settings that suit labelled recordings: scores are computed once, settings tried on them by the hundreds.

trials --> search for a goal --> the same on parts of the recordings, to see whether it holds on others
"""
