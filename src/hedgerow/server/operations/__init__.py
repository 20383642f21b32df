"""What it takes to run a coordinator day and night: measured, logged, drained and backed up."""
