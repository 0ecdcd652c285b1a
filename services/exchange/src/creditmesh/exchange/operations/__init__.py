"""What exchange does, called by its routes, its handlers and its puller."""
