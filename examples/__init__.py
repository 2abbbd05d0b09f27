"""Loaders of the raw data of the example pipelines."""
