"""Results of all verbs as one page."""
