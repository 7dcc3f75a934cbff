"""`make proof`: the full simulations, kills and repeats, of which `make check` runs samples. Resumable."""
