# make demo   a naive site and the proxy in front of it
# make test   everything the tests need, and every test
# make stress the long runs of the tests: models, ten million checks, floods
# make wheel  the Python package, with the program in it, in target/wheels

.PHONY: demo test stress lint fuzz bench wheel

demo:
	cargo run --package mantlet-cli -- demo

lint:
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --all-features -- --deny warnings
	RUSTDOCFLAGS="--deny warnings" cargo doc --quiet --workspace --no-deps --all-features

test:
	bash tests/run.sh

stress:
	bash tests/stress.sh

fuzz:
	bash fuzz/run.sh

bench:
	bash benches/run.sh

wheel:
	bash crates/python/wheel.sh
