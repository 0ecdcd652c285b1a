"""Events from one service's transaction into another's: once, in order, whatever dies."""
