"""Dynamic panels by moments: transformations, instruments, GMM and its tests."""
