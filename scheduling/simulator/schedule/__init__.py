"""Online schedules: executor, policies, and their distance from the offline optimum."""
