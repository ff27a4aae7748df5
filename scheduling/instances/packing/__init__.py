"""Lengths of training sequences: from tables, and random ones."""
