"""The virtual market: LLM providers as real HTTP servers, in one process of their own.

Nothing here is imported by the proxy and nothing of the proxy is imported here. The ledger is
priced from its own table, so that it can convict the proxy's accounting.
"""
