"""What runs in a process of its own, in a copy of the project; each module writes its findings as JSON."""
