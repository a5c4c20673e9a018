"""The witness: it remembers the newest checkpoint of each log it watches and cosigns only what continues it."""
