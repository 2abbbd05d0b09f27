"""Keep the raw rows of each date of the window that has no current snapshot."""

from vintage.flow.snapshot import run
from vintage.jobs.program import main

if __name__ == "__main__":
    main(run, __doc__)
