# syntax=docker/dockerfile:1
# The operator and, as the same image, the runner of its probe Jobs.
# The base is named by its tag: its digest is filled in by the release workflow (BASE), which records it in the provenance.
ARG BASE=python:3.11-slim

FROM ${BASE} AS build
WORKDIR /src
COPY requirements.lock ./
RUN python -m venv /opt/serinus \
 && /opt/serinus/bin/pip install --no-cache-dir --no-compile --only-binary=:all: --require-hashes -r requirements.lock
COPY operator/serinus /opt/serinus/lib/python3.11/site-packages/serinus
RUN /opt/serinus/bin/python -m compileall -q /opt/serinus/lib/python3.11/site-packages \
 && /opt/serinus/bin/pip uninstall --yes --quiet setuptools pip

FROM ${BASE}
LABEL org.opencontainers.image.title="serinus" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.source="https://github.com/serinus-dev/serinus"
ENV PATH=/opt/serinus/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    SERINUS_ALERT_RULES_DIR=/usr/share/serinus/alert-rules
COPY --from=build --chown=root:root /opt/serinus /opt/serinus
COPY alert-rules /usr/share/serinus/alert-rules
COPY crds /usr/share/serinus/crds
WORKDIR /tmp
USER 65532:65532
# The Deployment's probes ask the operator itself; a Job has none.
HEALTHCHECK NONE
ENTRYPOINT ["python", "-m", "serinus"]
