"""What happened, and the questions asked of it: the journal as tables, and the report."""
