"""The prediction service, a process of its own: `python -m include.ratchet.serving`."""
