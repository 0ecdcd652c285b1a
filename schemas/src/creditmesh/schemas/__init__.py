"""The public contract of a Creditmesh node: models, events, problems, and the rules both sides must compute alike."""
