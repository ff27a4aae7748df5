"""Access to the API server of a cluster; needs the optional extra ``k8s``."""
