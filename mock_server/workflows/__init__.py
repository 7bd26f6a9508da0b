"""The family that manages and runs workflows."""
