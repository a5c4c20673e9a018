"""The desk's engine: what a CERT, ministry, controller or registrar runs. The facade is ``sdk``."""
