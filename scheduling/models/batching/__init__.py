"""Family ``batching``: when requests start under one KV memory."""
