"""Charts of flows over spines."""
