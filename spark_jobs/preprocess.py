"""Prepare the feature rows of each date by the pipeline's SQL."""

from vintage.flow.job import main
from vintage.flow.preprocess import run

if __name__ == "__main__":
    main(run, __doc__)
