"""Register the model of a date, and make it the champion if the decision says so."""

from vintage.jobs.program import main
from vintage.jobs.promote import run

if __name__ == "__main__":
    main(
        run,
        __doc__,
        {
            "approved_by": "who let the model pass, where a person is asked",
            "rejected_by": "who did not",
            "asked_about": "key of the evaluation that the person read",
        },
    )
