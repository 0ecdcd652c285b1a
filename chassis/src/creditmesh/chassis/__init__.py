"""What every service is bolted to. It knows the four promises and nothing of credit."""
