"""Cores that users share: jobs of stages of tasks, their fluid reference, their offline problem."""
