"""What all CP-SAT formulations share; its modules load OR-Tools, so searches import them late."""
