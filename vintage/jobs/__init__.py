"""The jobs: a step of the flow, and the pages that show what it made."""
