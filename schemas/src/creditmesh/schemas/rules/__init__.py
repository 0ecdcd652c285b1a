"""What a node and its callers must compute alike: pure rules, no input or output."""
