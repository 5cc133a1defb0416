# The program in an image of its own:
#
#   docker build -t valley .
#   docker run --rm -v "$PWD/runs:/runs" valley train --out first
#
# Never run: there is no Docker where Valley is made. What it calls is tried there: scripts/package.sh, and in a
# Debian without anything else what comes out of it (scripts/test-packages.sh).
FROM debian:12-slim AS build
COPY . /valley
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates dpkg-dev \
    && /valley/scripts/package.sh

FROM debian:12-slim
COPY --from=build /valley/build/packages/valley_*.deb /tmp/
RUN apt-get update \
    && apt-get install --yes /tmp/valley_*.deb \
    && rm -rf /tmp/*.deb /var/lib/apt/lists/*
WORKDIR /runs
ENTRYPOINT ["valley"]
