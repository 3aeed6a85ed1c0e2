"""The only place where concrete things meet: clocks, stores, upstreams, surfaces, one process."""
