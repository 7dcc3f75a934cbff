"""The embedded stack: every process on one machine, without Docker."""
