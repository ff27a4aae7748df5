"""What the problems are: typed problems, solutions, independent checks and bounds."""
