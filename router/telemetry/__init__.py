"""What is told of a finished request: a line in the log, spans for Jaeger. After the answer."""
