"""Compare a scored date with its reference, and tell whether that is an alarm; needs no Spark."""

from vintage.jobs.monitor import run
from vintage.jobs.program import main

if __name__ == "__main__":
    main(run, __doc__)
