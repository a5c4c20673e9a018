"""What a State's own desk serves on its own machine, over HTTP on loopback."""
