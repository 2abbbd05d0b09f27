"""Great Expectations: suites, their outcomes and Data Docs. The only package that imports it."""
