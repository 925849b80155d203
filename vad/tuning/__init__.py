"""Settings that suit labelled recordings: scores are computed once, and many settings are tried on them.

Trials -> search for a goal -> cross-validation, which tells whether the settings hold on other recordings
"""
