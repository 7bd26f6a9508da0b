"""The workflows API: workflows and their runs, API keys, node types."""
