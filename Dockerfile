# syntax=docker/dockerfile:1
# The engine, for reviews that lie in folders of yours:
#
#   docker build -t living-review .
#   docker run --rm --user "$(id -u):$(id -g)" -v "$PWD/reviews/pain:/review" living-review --run 2026-12
#
# docs/operations.md, "Schedules and containers", tells how to pass secrets, and what ends with which status.

# Named by tag and not by digest: a security fix of the base comes in with the next build, and what computes
# numbers is pinned with hashes below. The full image has the tools that building a source package may need; the
# slim one of the same Python is what runs.
FROM python:3.11-bookworm AS environment
COPY requirements.run.lock /tmp/
RUN python -m venv /opt/environment \
    && /opt/environment/bin/python -m pip install --no-cache-dir --disable-pip-version-check --no-deps \
        --require-hashes -r /tmp/requirements.run.lock

FROM python:3.11-slim-bookworm
LABEL org.opencontainers.image.title="living-review" \
    org.opencontainers.image.description="Keeps a systematic review alive: search, ranking, pooling, report" \
    org.opencontainers.image.licenses="MIT"
ENV PATH=/opt/environment/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    # Whoever runs it, with --user, has neither home nor name here, and Snakemake asks for both; caches are made
    # anew in each container.
    HOME=/tmp \
    USER=living-review \
    XDG_CACHE_HOME=/tmp/cache
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin living-review \
    && mkdir /review \
    && chown living-review: /review
COPY --from=environment /opt/environment /opt/environment
COPY . /opt/living-review
# The bundled review, so that "docker run living-review" shows an offline month; a volume takes its place.
COPY --chown=living-review: config.yaml /review/config.yaml
COPY --chown=living-review: data /review/data
WORKDIR /opt/living-review
USER 10001
VOLUME /review
# Ends by itself: there is nothing whose health could be asked.
HEALTHCHECK NONE
ENTRYPOINT ["python", "scripts/run_month.py", "--directory", "/review"]
