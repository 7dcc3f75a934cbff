"""The prediction service, a process of its own."""
