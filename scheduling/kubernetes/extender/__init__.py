"""The scheduler extender: answers kube-scheduler from a plan that is made in the background."""
