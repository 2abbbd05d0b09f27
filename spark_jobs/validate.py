"""Check each date of the window against its suite of expectations."""

from vintage.flow.job import main
from vintage.flow.validate import run

if __name__ == "__main__":
    main(run, __doc__)
