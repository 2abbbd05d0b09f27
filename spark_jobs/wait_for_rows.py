"""Look whether the rows of a date are in the databases that a pipeline reads."""

from vintage.flow.job import main
from vintage.flow.wait_for_rows import run

if __name__ == "__main__":
    main(run, __doc__)
