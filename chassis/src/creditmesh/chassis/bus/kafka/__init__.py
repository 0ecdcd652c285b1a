"""Kafka: the publisher that copies streams to it, and the bus that reads them; `client` alone imports the library."""
