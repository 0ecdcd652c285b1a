#!/bin/sh
# The image's own steps: what a node needs, from the locks beside this file, into a folder outside the checkout, with
# the list of all that is in it (CycloneDX). Needs Python 3.11 and the index that pip is configured for.
#     deploy/image/install.sh /opt/creditmesh
set -eu
prefix=$1
source=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"${PYTHON:-python3}" -m venv "$work/tools"
tools=$work/tools/bin
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
"$tools/python" "$source/deploy/as_pip.py" "$tools/python" -m pip install -q --require-hashes -r "$source/deploy/image/tools.lock"
uv() { "$tools/python" "$source/deploy/as_pip.py" "$tools/uv" "$@"; }

"${PYTHON:-python3}" -m venv --without-pip "$prefix"
uv pip sync -q --python "$prefix/bin/python" --require-hashes --compile-bytecode "$source/deploy/image/node.lock"
for member in schemas chassis services/catalogue services/exchange services/ingestion services/matching services/query services/repair gateway node; do
	cp -R "$source/$member" "$work/member" # a build writes nothing into the checkout
	uv build -q --wheel --no-build-isolation --python "$tools/python" --out-dir "$work/wheels" "$work/member"
	rm -rf "$work/member"
done
uv pip install -q --python "$prefix/bin/python" --no-index --find-links "$work/wheels" --no-deps --compile-bytecode creditmesh-node \
	creditmesh-schemas creditmesh-chassis creditmesh-catalogue creditmesh-exchange creditmesh-ingestion creditmesh-matching \
	creditmesh-query creditmesh-repair creditmesh-gateway
"$tools/cyclonedx-py" environment --output-reproducible --output-file "$prefix/sbom.json" "$prefix/bin/python"
