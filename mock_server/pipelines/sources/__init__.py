"""Where getters get rows from, one module for each integration."""
