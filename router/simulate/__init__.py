"""The proving ground: a market in virtual time, and strategies that buy in it.

Every strategy meets the same market (`world`), under the same rules (`loop`), and is judged by
the same books (`account`). Ours drives the board and the decision that the proxy runs.
"""
