"""What a proof runs in a process of its own, in a copy of the project."""
