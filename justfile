# What can be done here by hand; `.ci/run` is the same in one go, on a bare machine.

# Lists the recipes.
default:
    @just --list

# The whole of CI.
ci:
    bash .ci/run

# Formats the sources.
fmt:
    cargo fmt --all

# Format and lints, as CI sees them.
lint:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets --all-features -- -D warnings

# All tests.
test *ARGS:
    cargo test --workspace --all-features {{ ARGS }}

# kill -9 in the middle of writes, as often as this.
kill ROUNDS="20":
    KILL_ROUNDS={{ ROUNDS }} cargo test -p examples --test kill -- --nocapture

# Documentation, with warnings denied.
doc *ARGS:
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --all-features --no-deps {{ ARGS }}

# Compares the public API of the library crates with docs/api; `just api --write` writes it anew.
api *ARGS:
    bash .ci/api {{ ARGS }}

# Benchmarks.
bench *ARGS:
    cargo bench --workspace --all-features {{ ARGS }}

# Fuzzes one target; needs a nightly toolchain and cargo-fuzz.
fuzz TARGET SECONDS="60":
    cargo +nightly fuzz run {{ TARGET }} -- -max_total_time={{ SECONDS }}

# Licences, sources, bans and advisories; needs cargo-deny.
deny:
    cargo deny --all-features check

# A bridge and a local account from nothing, on 127.0.0.1:3002.
dev *ARGS:
    cargo run --release -p examples --bin op-scim-bridge -- dev {{ ARGS }}

# The library alone, over a store in memory.
directory TOKEN:
    cargo run --release -p examples --bin scim-directory -- --listen 127.0.0.1:8080 --token {{ TOKEN }} --store memory
