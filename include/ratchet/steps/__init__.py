"""What we compute. No I/O, no clock, no mutation of inputs."""
