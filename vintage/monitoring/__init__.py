"""Whether the rows of a date still look like those that the model learnt from; reads profiles, never rows."""
