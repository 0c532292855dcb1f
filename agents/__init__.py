"""Who the agents are and how one is run."""
