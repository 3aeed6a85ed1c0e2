"""What is known: the board of this process, and Redis, through which processes share it.

Nothing on the way of a request waits for Redis. The board keeps a journal of what was not shared
yet; `redis.Sharing` empties it in the background and brings back what others found.
"""
