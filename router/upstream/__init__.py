"""The way out: requests to endpoints, and what comes back, in the words of the core.

``relay`` passes bytes to endpoints that speak OpenAI's dialect and reads only what routing needs;
``litellm`` translates for everyone else. Both implement ``ports.Upstream``.
"""
