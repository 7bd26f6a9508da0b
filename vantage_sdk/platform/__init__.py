"""The platform family: one file a noun."""
