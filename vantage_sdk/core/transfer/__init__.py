"""What a transfer of files decides, apart from any file system and any network."""
