#!/bin/sh
# Pennyblack with a trained filter, beside OpenSMTPD with Rspamd: SMTP on 2531, IMAP on 2151 and 2251. Everything is looked at, and nothing is
# put off, refused or filed elsewhere, as the harness wants it. BENCH_CORPUS: a folder with index.tsv (number, spam or ham, file)
# whose messages are taught; without it nothing is.
SMTP_PORT=2531 IMAP_PORT=2151 IMAPS_PORT=2251
MORE='
[gate]
greylist = "off"

[spam]
refuse = 1000.0
mark = 1000.0'
. "$(dirname "$0")/pennyblack.sh"

teach() { # class
  awk -F '\t' -v class="$1" '$2 == class { print $3 }' "$BENCH_CORPUS/index.tsv" | head -n 1000 |
    (cd "$BENCH_CORPUS" && xargs "$BIN" --config "$D/pennyblack.toml" spam learn "$1")
}

case "$1" in
setup)
  if [ -n "${BENCH_CORPUS:-}" ]; then teach ham; teach spam; fi
  chown -R vmail: "$D/data" ;;
start)
  # What was taught is learned before anything is measured.
  for _ in $(seq 120); do pennyblack spam stat >/dev/null 2>&1 && break; sleep 1; done ;;
esac
