"""Where a plan stands and why, from the project journal alone: for `status`, `why`, and the risks of the report."""
