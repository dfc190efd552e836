# The commands a developer needs. Each is a few lines; what it runs is in scripts/.

.PHONY: trial test soak bench check doc test-tools

# A mail server to play with: no root, no DNS, no Internet. Ctrl-C ends it.
trial:
	cargo run --release --locked -- trial

# All tests. Installs the programs they use where it may (Debian), and names every test it had to skip.
test: test-tools
	scripts/run-tests

# The long tests: crashes and power cuts under load, memory with large messages. Minutes to an hour. It installs larger programs too.
soak:
	scripts/install-test-tools --large
	scripts/run-tests --soak

# Pennyblack beside other mail servers on this machine; results in target/bench.
bench:
	scripts/bench

# Everything that can be said about the tree without running it.
check:
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- -D warnings
	scripts/check-directions --self-test
	scripts/check-directions
	scripts/check-licences --self-test
	scripts/check-licences

doc:
	cargo doc --locked --workspace --no-deps

test-tools:
	scripts/install-test-tools
