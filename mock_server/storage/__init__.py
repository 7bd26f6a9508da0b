"""Files and resumable uploads on disk, without HTTP."""
