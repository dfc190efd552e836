#!/bin/sh
# cluster.sh BIN: a private PostgreSQL for tests, on a Unix socket in a temporary folder, with fsync on.
# Says "ready FOLDER", obeys "stop" and "start" from standard input (and answers "done"), and removes everything when that is closed:
# so nothing is left behind, however the test ends.
set -eu
bin=$1
folder=$(mktemp -d "${TMPDIR:-/tmp}/pennyblack-postgres.XXXXXX")
as=
if [ "$(id -u)" = 0 ]; then
    # initdb refuses to run as root.
    user=nobody
    id postgres >/dev/null 2>&1 && user=postgres
    chown "$user" "$folder"
    as="setpriv --reuid=$user --regid=$(id -g "$user") --clear-groups"
fi
control() { (cd "$folder" && $as "$bin/pg_ctl" -D "$folder/data" -w -s "$@" >>"$folder/log" 2>&1 </dev/null); }
end() {
    control -m immediate stop || true
    rm -rf "$folder"
}
trap end EXIT
trap 'exit 1' INT TERM
touch "$folder/log" && chmod 666 "$folder/log"
(cd "$folder" && $as "$bin/initdb" -D "$folder/data" -U postgres -A trust -E UTF8 --locale=C >>"$folder/log" 2>&1 </dev/null)
cat >>"$folder/data/postgresql.conf" <<CONF
listen_addresses = ''
unix_socket_directories = '$folder'
fsync = on
max_connections = 300
shared_buffers = 32MB
CONF
control start || { cat "$folder/log" >&2; exit 1; }
echo "ready $folder"
while read -r command; do
    case $command in
    stop) control -m immediate stop ;;
    start) control start ;;
    esac
    echo done
done
