"""Tasks of mobile devices on servers that share their processors: delay and energy."""
