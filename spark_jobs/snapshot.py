"""Keep the raw rows of each date of the window that has no current snapshot."""

from vintage.flow.job import main
from vintage.flow.snapshot import run

if __name__ == "__main__":
    main(run, __doc__)
