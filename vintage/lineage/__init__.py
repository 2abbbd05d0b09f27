"""From an artifact to its ancestors and descendants: what it was made from, what was made from it."""
