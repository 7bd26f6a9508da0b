"""Resources of S9S, one noun a file."""
