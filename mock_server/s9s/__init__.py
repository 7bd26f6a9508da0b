"""The S9S REST API: jobs, nodes, users and partitions as Slurm shows them."""
