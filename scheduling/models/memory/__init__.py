"""Static memory allocation: buffers with lifetimes to offsets."""
