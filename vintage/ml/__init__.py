"""What is fitted and how it is measured: stages, splits, tuning, metrics of each task, digests of models."""
