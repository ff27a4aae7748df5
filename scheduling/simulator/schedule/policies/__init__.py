"""Policies of online schedules."""
