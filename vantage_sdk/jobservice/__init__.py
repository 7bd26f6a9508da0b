"""Resources of the job service, one noun a file."""
