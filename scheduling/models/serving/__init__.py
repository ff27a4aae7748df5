"""Serving plans: which replicas of which models run on which GPUs for a workload and its SLOs."""
