"""What agents know, say and leave behind: projections of the project journal, each written so that twice is once."""
