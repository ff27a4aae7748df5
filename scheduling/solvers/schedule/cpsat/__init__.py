"""CP-SAT for the family ``schedule``: intervals on machines and resources."""
