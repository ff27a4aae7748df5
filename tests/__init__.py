"""Tests of the library, laid out like the package."""
