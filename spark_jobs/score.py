"""Score the rows of a date with the champion."""

from vintage.jobs.program import main
from vintage.jobs.score import run

if __name__ == "__main__":
    main(run, __doc__, {"version": "the registered version that scores; default: the champion"})
