"""What the hub and the witness share as HTTP servers: connections, bodies, answers; no route of either."""
