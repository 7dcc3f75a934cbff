"""What we decide: specs, records, gate, arbiter, ports. Stdlib, pydantic and yaml only."""
