"""Great Expectations: suites, their outcomes and Data Docs. The only package that imports it."""

from vintage.validation.deferred import defer

# A third of Great Expectations' import: three rules use the one, a chart of one of them the other.
defer("altair", "scipy.stats")
