"""`./ratchet`: what a data scientist and an operator type."""
