"""`python -m vintage`: the program `vintage`."""

from vintage.cli.main import main

if __name__ == "__main__":
    main()
