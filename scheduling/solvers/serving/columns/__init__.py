"""Serving fleets by column generation: whole fleets of one model are the columns."""
