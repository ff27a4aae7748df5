"""Mixed-integer programs of placement problems, for any engine."""
