"""Family ``loop``: software pipelines on functional units and warps."""
