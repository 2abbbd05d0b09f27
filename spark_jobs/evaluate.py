"""Evaluate the model of a date on its holdout, and decide by the gates."""

from vintage.jobs.evaluate import run
from vintage.jobs.program import main

if __name__ == "__main__":
    main(run, __doc__)
