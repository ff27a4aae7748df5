"""Problems of placement in memories of different speed."""
