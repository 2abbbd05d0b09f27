"""Measure the predictions of a date once its labels are available, and of earlier dates with late ones."""

from vintage.jobs.program import main
from vintage.jobs.quality import run_due

if __name__ == "__main__":
    main(run_due, __doc__)
