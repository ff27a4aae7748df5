"""Streams of inference tasks for edge and cloud."""
