# The image of the service `serving`: champions over HTTP by their twins, without Spark and Java. From the root:
#   docker build --file docker/serving.Dockerfile --tag vintage-serving .

FROM python:3.11-slim-bookworm AS packages
RUN pip install --no-cache-dir uv==0.13.9
ENV UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never
WORKDIR /opt/vintage
COPY pyproject.toml uv.lock README.md ./
RUN uv sync --frozen --extra serving --no-dev --no-install-project
# What no server imports: tests, headers, the sources of what is compiled, Arrow's Flight, and a library
# of Arrow's that its wheel holds under three names.
RUN cd .venv/lib/python3.11/site-packages \
    && find . -depth -type d -regex '.*/\(tests\|include\)' -exec rm -r {} + \
    && find . -type f -regex '.*\.\(pyx\|pxd\|pxi\|pyi\|c\|h\)' -delete \
    && find pyarrow -name '*flight*' -delete \
    && rm -r pyarrow/src pyarrow/libarrow_python*.so pyarrow/libarrow_python*.so.*.*

FROM python:3.11-slim-bookworm
RUN useradd --uid 1000 --create-home vintage
ENV PATH=/opt/vintage/.venv/bin:/usr/local/bin:/usr/bin:/bin
ENV PYTHONPATH=/opt/vintage
ENV PYTHONDONTWRITEBYTECODE=1
WORKDIR /opt/vintage
COPY --from=packages /opt/vintage/.venv .venv
COPY vintage vintage
COPY local/__init__.py local/compose_health.py local/
COPY docker/entry.sh docker/entry.sh
# Nobody may write beside it later, and every start would compile anew what it imports.
RUN PYTHONDONTWRITEBYTECODE= python -c "import mlflow.tracking, pandas, pyarrow.parquet, uvloop, \
    uvicorn.protocols.http.httptools_impl, vintage.cli.main, vintage.cli.serve, vintage.registry.tracking, \
    vintage.serving.server, local.compose_health"
USER vintage
ENTRYPOINT ["/opt/vintage/docker/entry.sh"]
CMD ["python", "-m", "vintage", "serve", "--help"]
