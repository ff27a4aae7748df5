"""Problems of pipelines: random profiles of layers."""
