"""The steps of a task's journey, one Prefect task a module; the work of each is a plain function beside it."""
