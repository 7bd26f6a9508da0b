"""A real cluster: Slurm, driven through the same port as the simulation."""
