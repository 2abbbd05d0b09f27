"""The steps of a retraining run, and what runs, plans, repeats and reproduces them."""
