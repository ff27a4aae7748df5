"""Charts of solutions beside their problems, by what they show."""
