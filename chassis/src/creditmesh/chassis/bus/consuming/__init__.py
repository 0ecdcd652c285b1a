"""Consuming: a reader's runs, what each gathers, how it is applied, and what operators have released."""
