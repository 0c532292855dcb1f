"""Where a plan stands and why, told from the project journal alone: what `status` and `why` show."""
