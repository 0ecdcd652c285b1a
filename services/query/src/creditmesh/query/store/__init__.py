"""All SQL of the query service, by noun. The legal date and the withdrawn items are always parameters."""
