"""What every room shares: the plan, the schedule, authority, the journal, git, the sandbox and the command line."""

__version__ = "0.1.0"
