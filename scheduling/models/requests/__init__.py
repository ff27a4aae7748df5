"""Requests to language models as they arrive: tables of them, programs and batches."""
