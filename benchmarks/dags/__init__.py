"""DAG files that are added to a copy of the project."""
