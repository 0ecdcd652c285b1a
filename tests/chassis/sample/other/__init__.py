"""Another service's package, for the tests of what roles cannot see."""
