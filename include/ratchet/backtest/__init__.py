"""Replay the past of a project under policies: the same task bodies, on ports that stand in a folder of their own."""
