# One image for the code location, the webserver, the daemon and the runs; the command says which.
# Built by `docker build --build-arg VERSION=$(git rev-parse --short HEAD) .`

FROM python:3.11.14-slim-bookworm AS build

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/venv
WORKDIR /src
# What it stands on first: that layer is made anew only when the versions change.
COPY deploy/requirements.txt deploy/
RUN /opt/venv/bin/pip install --require-virtualenv -r deploy/requirements.txt
COPY pyproject.toml setup.py README.md ./
COPY coin_platform coin_platform
RUN /opt/venv/bin/pip install --require-virtualenv --no-deps .

FROM python:3.11.14-slim-bookworm

ARG VERSION=unknown
LABEL org.opencontainers.image.title="coin-platform" \
      org.opencontainers.image.revision="${VERSION}"

RUN groupadd --gid 10001 coins \
    && useradd --uid 10001 --gid coins --no-create-home --shell /usr/sbin/nologin coins \
    && mkdir --parents /var/lib/coin_platform \
    && chown coins:coins /var/lib/coin_platform

COPY --from=build /opt/venv /opt/venv
COPY deploy/dagster.yaml deploy/workspace.yaml /opt/coin_platform/deploy/
# Where tools of the image that are not ours look for the certificates of RDS.
RUN ln --symbolic \
    /opt/venv/lib/python3.11/site-packages/coin_platform/resources/database/rds-ca-bundle.pem \
    /opt/coin_platform/rds-ca-bundle.pem

ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    DAGSTER_HOME=/opt/coin_platform/deploy \
    COIN_PLATFORM_HOME=/var/lib/coin_platform/home

USER 10001
WORKDIR /var/lib/coin_platform
# A volume that ECS mounts is the user's only where the image says that one is there.
VOLUME ["/var/lib/coin_platform", "/tmp"]

HEALTHCHECK --interval=30s --timeout=20s --start-period=120s --retries=5 \
    CMD ["dagster", "api", "grpc-health-check", "-p", "4000"]

CMD ["dagster", "code-server", "start", "-h", "127.0.0.1", "-p", "4000", \
     "-m", "coin_platform.definitions", "--location-name", "coin_platform"]
