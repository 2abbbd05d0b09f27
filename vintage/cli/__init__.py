"""The command line `vintage`: its commands, and what they print on a terminal."""
