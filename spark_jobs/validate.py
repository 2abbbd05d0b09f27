"""Check each date of the window against its suite of expectations."""

from vintage.flow.validate import run
from vintage.jobs.program import main

if __name__ == "__main__":
    main(run, __doc__)
