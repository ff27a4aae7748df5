"""Serving plans: from models, pools of GPUs, workload and service levels to a proven plan."""
