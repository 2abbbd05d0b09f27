"""Drift: compare the profiles of a date with those of the training rows; no rows are read."""
