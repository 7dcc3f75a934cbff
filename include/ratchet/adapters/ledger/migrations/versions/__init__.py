"""One file per revision, in a line: rNNNN names the one before it."""
