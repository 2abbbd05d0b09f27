"""Measure the predictions of a date once its labels are available."""

from vintage.jobs.program import main
from vintage.jobs.quality import run

if __name__ == "__main__":
    main(run, __doc__)
