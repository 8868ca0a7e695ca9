"""Shipped to connector authors: conformance suites, examples and fakes; never imported by the hub."""
