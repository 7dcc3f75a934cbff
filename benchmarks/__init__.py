"""`make bench`: what Ratchet does beside its floor or a peer, measured in the same run so that only ratios matter."""
