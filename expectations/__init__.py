"""May we trust the numbers: Great Expectations suites over the audit models."""
