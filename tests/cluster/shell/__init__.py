"""Tests of the shell that runs a job's command."""
