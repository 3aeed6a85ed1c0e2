"""The client's side: dialects in, SLA headers and bodies read, answers and errors told.

Everything a client sends is parsed here once and strictly; inwards goes an ``Ask`` that is taken
at its word, outwards a status of ``core.faults`` and nothing else. One file per noun; ``http``
puts them together on aiohttp.
"""
