"""Where the coordinator keeps what a crash must not take: a database and blobs."""
