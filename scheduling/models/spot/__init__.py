"""Family ``spot``: a job with a deadline on spot capacity that comes and goes."""
