"""What the job service returns, one noun a file."""
