"""The platform family: `/v1`."""
