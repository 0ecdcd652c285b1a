#!/bin/sh
# A chain of three on one machine, as root: each node is a project of its own with node.yaml, a folder and a port.
#     CREDITMESH_LISTEN=10.0.0.5 ./chain.sh run --rm prepare
#     CREDITMESH_LISTEN=10.0.0.5 ./chain.sh up --detach
# 10.0.0.5 stands for this machine's address on a network of its own: there they reach each other by the ports that are
# published, 8080 to 8082. docs/guide/peers.md tells how they are enrolled.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
port=8080
for node in city province nation; do
	mkdir -p "$here/$node"
	[ -d "$here/$node/state" ] || install -d -o 10001 -g 10001 -m 700 "$here/$node/state"
	[ -e "$here/$node/postgres.password" ] ||
		(umask 077 && openssl rand -hex 24 >"$here/$node/postgres.password" && chown 10001:10001 "$here/$node/postgres.password")
	CREDITMESH_NODE=$node CREDITMESH_TIER=$node CREDITMESH_PARTS=24 CREDITMESH_PORT=$port CREDITMESH_FOLDER="$here/$node/state" \
		POSTGRES_PASSWORD_FILE="$here/$node/postgres.password" \
		docker compose --project-name "creditmesh-$node" --file "$here/node.yaml" "$@"
	port=$((port + 1))
done
