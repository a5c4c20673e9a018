"""The witness: it remembers the newest checkpoint of each log and cosigns only what continues it."""
