"""Tables too large for memory: files and clusters, read in batches."""
