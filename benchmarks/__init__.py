"""Benchmarks: ratios of two things run side by side."""
