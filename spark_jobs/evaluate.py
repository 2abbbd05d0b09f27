"""Evaluate the model of a date on its holdout, and decide by the gates."""

from vintage.flow.evaluate import run
from vintage.flow.job import main

if __name__ == "__main__":
    main(run, __doc__)
