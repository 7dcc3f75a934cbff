"""What an adopter writes (feeds, models), and Ratchet itself."""
