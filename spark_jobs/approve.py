"""Write the question that a person answers before the model of a date may serve."""

from vintage.jobs.approve import run
from vintage.jobs.program import main

if __name__ == "__main__":
    main(run, __doc__, {"question": "file to write the question to, as JSON"})
