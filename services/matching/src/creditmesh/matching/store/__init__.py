"""All SQL of the service: who stands where, tasks, and their answers."""
