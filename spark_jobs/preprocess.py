"""Prepare the feature rows of each date by the pipeline's SQL."""

from vintage.flow.preprocess import run
from vintage.jobs.program import main

if __name__ == "__main__":
    main(run, __doc__)
