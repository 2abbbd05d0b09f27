"""A date's raw rows: where they come from, what they must be, and what is seen of them."""
