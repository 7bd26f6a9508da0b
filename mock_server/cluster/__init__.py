"""The cluster behind every API family: a port, and a simulation of it that knows nothing of HTTP."""
