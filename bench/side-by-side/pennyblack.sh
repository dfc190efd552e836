#!/bin/sh
# Pennyblack as a target of the side-by-side harness: SMTP on 2530, IMAP on 2150 and 2250, domain bench.test, durability as shipped.
# BENCH_LIB (set by the harness) supplies $D, $DOMAIN, $PASS, $USERS and in_ns.
. "${BENCH_LIB:?run this from the harness: see scripts/bench}"
BIN=${PENNYBLACK_BIN:-$BENCH_SRC/../target/release/pennyblack}
pennyblack() { "$BIN" --config "$D/pennyblack.toml" "$@"; }

case "$1" in
setup)
  fresh; mkdir -p "$D/data"; chown vmail: "$D/data"; chgrp vmail "$BENCH_DIR/key.pem"; chmod 640 "$BENCH_DIR/key.pem"
  cat > "$D/pennyblack.toml" <<C
hostname = "mail.$DOMAIN"
domain = "$DOMAIN"
data = "$D/data"
user = "vmail"

[listen]
smtp.addresses = ["127.0.0.1:${SMTP_PORT:-2530}"]
submission.addresses = []
submissions.addresses = []
managesieve.addresses = []
imap.addresses = ["127.0.0.1:${IMAP_PORT:-2150}"]
imap.plaintext_auth = "loopback"
imaps.addresses = ["127.0.0.1:${IMAPS_PORT:-2250}"]

[tls]
certificates = [{ cert = "$BENCH_DIR/cert.pem", key = "$BENCH_DIR/key.pem" }]

[dns]
servers = ["127.0.0.54"]   # the harness's stub, as resolv.conf has it for the others

[limits]
imap_sessions_per_account = 3000
${MORE:-}
C
  pennyblack domain add "$DOMAIN" 2>/dev/null || true
  for u in $USERS; do echo "$PASS" | pennyblack account add "$u@$DOMAIN" --password-stdin; done
  chown -R vmail: "$D/data" ;;
start)
  EXEC=exec in_ns "" setsid "$BIN" serve --config "$D/pennyblack.toml" >> "$D/pennyblack.log" 2>&1 < /dev/null & ;;
esac
