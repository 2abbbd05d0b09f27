"""Vintage: nightly Spark ML retraining that people can trust."""
