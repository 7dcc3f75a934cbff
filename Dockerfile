# syntax=docker/dockerfile:1
# Ratchet's image: Airflow with the packages of requirements.lock, byte-compiled, and our code at AIRFLOW_HOME.
# The slim flavour: the full one brings some 20 provider packages whose pins would quarrel with our lock.
# No registry could be reached where this was written: both tags are UNVERIFIED.
ARG BASE=apache/airflow:slim-3.3.2-python3.12
# The Astro Runtime instead, by this one line: ARG BASE=astrocrpublic.azurecr.io/runtime:3.3-8
FROM ${BASE}

SHELL ["/bin/bash", "-o", "pipefail", "-c"]

# The Astro Runtime has its own Airflow and constraints, and installed requirements.txt by itself (ONBUILD) before
# this line; only the official image takes our lock. Hashes are checked; nothing outside the lock is resolved.
USER 50000:0
COPY requirements.lock /tmp/requirements.lock
RUN if [ "${AIRFLOW_HOME}" = /opt/airflow ]; then \
        pip install --no-cache-dir --compile --no-deps --require-hashes -r /tmp/requirements.lock && pip check; \
    fi

# Our code belongs to root and is only read: a task cannot change what the next one runs.
# PYTHONPATH is not set here: a copy on a worker's path would shadow the DAG bundle's (docs/adr/0003).
USER root
COPY .airflowignore ratchet.yaml ${AIRFLOW_HOME}/
COPY config/ ${AIRFLOW_HOME}/config/
COPY dags/ ${AIRFLOW_HOME}/dags/
COPY include/ ${AIRFLOW_HOME}/include/
COPY plugins/ ${AIRFLOW_HOME}/plugins/
# Without byte code every import is three times slower, and every task imports. An empty airflow.cfg keeps Airflow
# from writing one at its first start, which a read-only root file system refuses. The folders are the mount points
# of volumes: a new named volume takes over their owner, so no container has to start as root to chown it.
RUN python -m compileall -q "${AIRFLOW_HOME}"/{config,dags,include,plugins} \
    && touch "${AIRFLOW_HOME}/airflow.cfg" \
    && install -d -o 50000 -g 0 -m 0775 /var/lib/ratchet /var/lib/ratchet-log /var/lib/objects "${AIRFLOW_HOME}/logs"

# As in include/ratchet/local/environment.py: one thread per library (Airflow is the parallel part), nobody phones home,
# caches where a read-only container may write.
ENV DO_NOT_TRACK=1 \
    GIT_PYTHON_REFRESH=quiet \
    GX_ANALYTICS_ENABLED=false \
    MKL_NUM_THREADS=1 \
    MLFLOW_DISABLE_TELEMETRY=true \
    MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false \
    MPLCONFIGDIR=/tmp/matplotlib \
    OMP_NUM_THREADS=1 \
    OPENBLAS_NUM_THREADS=1 \
    PYTHONUNBUFFERED=1 \
    RATCHET__HOME=/var/lib/ratchet \
    TMPDIR=/tmp \
    XDG_CACHE_HOME=/tmp/cache \
    XDG_CONFIG_HOME=/tmp/config \
    XDG_DATA_HOME=/tmp/data \
    XDG_STATE_HOME=/tmp/state

WORKDIR ${AIRFLOW_HOME}
# A number, not a name: Kubernetes can only check runAsNonRoot on numbers.
USER 50000:0
