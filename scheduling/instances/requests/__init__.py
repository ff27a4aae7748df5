"""Traces of requests to language models: readers, their formats, and a writer."""
