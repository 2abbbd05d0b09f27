"""Fit the model of a date on the training side of its window."""

from vintage.flow.fit import run
from vintage.jobs.program import main

if __name__ == "__main__":
    main(run, __doc__)
