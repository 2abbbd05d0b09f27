"""Write the question that a person answers before the model of a date may serve."""

from vintage.flow.approve import run
from vintage.flow.job import main

if __name__ == "__main__":
    main(run, __doc__, {"question": "file to write the question to, as JSON"})
