"""Look whether the rows of a date are in the databases that a pipeline reads."""

from vintage.flow.wait_for_rows import run
from vintage.jobs.program import main

if __name__ == "__main__":
    main(run, __doc__)
