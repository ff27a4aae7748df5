"""Problems of ordering transactions that conflict."""
