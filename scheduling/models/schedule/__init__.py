"""The family ``schedule``: jobs of tasks on machines and resources over time."""
