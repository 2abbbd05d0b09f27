"""Check each date of the window against its suite of expectations."""

from vintage.jobs.program import main
from vintage.jobs.validate import run

if __name__ == "__main__":
    main(run, __doc__)
