"""The atlas: every scenario under a budget, in one table with verdicts."""
