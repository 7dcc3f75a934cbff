"""Planted faults: what the gate, the registry and the ledger must refuse, each by a rule that is named beforehand."""
