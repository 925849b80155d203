"""Measurements beside other detectors, in one run. Not part of the installed package."""
