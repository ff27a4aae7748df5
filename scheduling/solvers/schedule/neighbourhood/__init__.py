"""Parts of a schedule: which tasks to free, the problem that remains, and the way back."""
