"""The helper of split mode: the second server, run by somebody else."""
