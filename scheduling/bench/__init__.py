"""Benchmarks: suites of instances with best-known values, runs, tables and comparisons."""
