"""Problems of allocation: one budget over many gains."""
