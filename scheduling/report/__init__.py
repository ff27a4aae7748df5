"""Charts and pages of problems and their solutions."""
