"""Evidence for the review of a component: what well-kept tools say of one tree, run by us in the sandbox."""
