"""Random flows over spines, and links between sites."""
