#!/bin/sh
# Writes the lock files anew from pyproject.toml; needs uv. Arguments go to uv, for example --upgrade.
set -eu
cd "$(dirname "$0")/.."

lock() {
    out=requirements/$1.txt
    shift
    echo "locking $out"
    uv pip compile "$@" --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
        --no-annotate --custom-compile-command "requirements/lock.sh" --output-file "$out"
}

# scikit-build-core and nanobind build the project itself without the network, so they stand in every lock that
# installs the project.
lock run pyproject.toml --group build "$@"
lock test pyproject.toml --group build --group test --constraint requirements/run.txt "$@"
# What only the slow tests need is large: `./run test-all` adds it to the same environment.
lock slow pyproject.toml --group build --group test --group slow --constraint requirements/test.txt "$@"
lock check --group check "$@"
# torch is installed apart (docs/decisions/0003-torch-without-a-hash.md); the group names what its CPU build needs.
lock backends pyproject.toml --group build --group test --group backends "$@"
# pyspark is large and needs a Java runtime: only `./run test-all` has it.
lock engines pyproject.toml --group build --group test --group engines --constraint requirements/test.txt "$@"
