"""DAG files, and the modules that they share."""
