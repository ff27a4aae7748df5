"""Engines that carry many independent runs: this machine's processes, or a cluster's workers."""
