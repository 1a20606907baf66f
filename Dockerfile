# An image of fluxsecrets for CI. `make image` builds it; what pip installs is in dist/wheels, so pip asks no index.
# Without any network: --build-arg BASE=IMAGE, an image of yours with Python 3.13 and git. docs/ci.md has the rest.
ARG BASE=python:3.13-slim

FROM ${BASE} AS install
COPY dist/wheels /wheels
RUN python -m venv /opt/fluxsecrets \
    && /opt/fluxsecrets/bin/pip install --no-cache-dir --no-index --find-links /wheels fluxsecrets

FROM ${BASE}
# Debian has one version of git per release.
# hadolint ignore=DL3008
RUN if ! command -v git; then \
        apt-get update \
        && apt-get install --yes --no-install-recommends git \
        && rm -rf /var/lib/apt/lists/*; \
    fi \
    # A mounted repository belongs to a user outside. The container has no other one to be protected from.
    && git config --system --add safe.directory '*'
COPY --from=install /opt/fluxsecrets /opt/fluxsecrets
ENV PATH=/opt/fluxsecrets/bin:$PATH HOME=/tmp PYTHONDONTWRITEBYTECODE=1
USER 65532:65532
WORKDIR /repo
ENTRYPOINT ["fluxsecrets"]
CMD ["--help"]
