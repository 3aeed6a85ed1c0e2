# meritorder in a container: the locked packages, a user without rights, a health check.
#   docker build -t meritorder .
#   docker run --rm -p 127.0.0.1:8080:8080 -e MERITORDER_KEY=... meritorder
# Your config.toml and policies/ go to /etc/meritorder; without them the shipped ones serve.
# Checked by reading only: no engine was at hand to build it.

FROM python:3.11-slim AS build
ENV UV_LINK_MODE=copy \
    UV_COMPILE_BYTECODE=1 \
    UV_PYTHON_DOWNLOADS=never \
    UV_PROJECT_ENVIRONMENT=/opt/meritorder
WORKDIR /src
COPY deploy/uv.txt deploy/uv.txt
RUN pip install --no-cache-dir --root-user-action=ignore --no-deps --only-binary :all: \
    --require-hashes -r deploy/uv.txt
# The packages change rarely, the code often: a layer each.
COPY pyproject.toml uv.lock ./
RUN uv sync --frozen --no-cache --no-install-project
COPY README.md LICENSE ./
COPY router router
RUN uv sync --frozen --no-cache --no-editable

FROM python:3.11-slim
RUN useradd --system --uid 10001 --home-dir /etc/meritorder --no-create-home meritorder \
    && mkdir /etc/meritorder
COPY --from=build /opt/meritorder /opt/meritorder
ENV PATH=/opt/meritorder/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    MERITORDER_SERVER__HOST=0.0.0.0 \
    MERITORDER_SERVER__API_KEYS='["MERITORDER_KEY"]'
USER meritorder
WORKDIR /etc/meritorder
EXPOSE 8080
# Alive, not ready: a replica that drains is to be left in peace, not restarted.
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as r; r.build_opener(r.ProxyHandler({})).open('http://127.0.0.1:' + os.environ.get('MERITORDER_SERVER__PORT', '8080') + '/health/live', timeout=2)"]
# SIGTERM (the default) drains: open answers are finished before the process ends.
ENTRYPOINT ["meritorder"]
CMD ["serve"]
