# Every target sets up what it needs; nothing but what changed is rebuilt.
.PHONY: run build test test-long lint tidy bench format clean packages test-packages

LISTEN ?= 127.0.0.1:7090
ARGS ?=
# Half as many jobs as GiB of memory, at most one for each core: a translation unit with Asio takes up to 1.5 GiB.
JOBS ?= $(shell awk -v cores=$$(nproc) '/MemTotal/ {j = int($$2 / 2097152); if (j < 1) j = 1; print (j < cores ? j : cores)}' /proc/meminfo)

run: build                       ## install, build, start
	build/release/inferscope serve --listen $(LISTEN) $(ARGS)

build: packages
	@test -f build/release/build.ninja || cmake --preset release
	cmake --build --preset release -j $(JOBS) --target inferscope

test: test-packages lint         ## lint, release build, every test, unit tests again under ASan+UBSan
	@test -f build/release/build.ninja || cmake --preset release
	cmake --build --preset release -j $(JOBS)
	ctest --test-dir build/release -j 3 --output-on-failure
	@test -f build/asan/build.ninja || cmake --preset asan
	cmake --build --preset asan -j $(JOBS) --target unit_tests
	ctest --test-dir build/asan -L unit -j 2 --output-on-failure

test-long: test-packages         ## TSan, long fuzzing, soak; figures go to docs/benchmarks.md
	tools/test-long.sh

lint: test-packages
	tools/lint.sh

tidy: test-packages              ## clang-tidy over src/; remembers what was clean
	@test -f build/release/build.ninja || cmake --preset release
	tools/tidy.py --jobs $(JOBS)

bench: test-packages
	@test -f build/release/build.ninja || cmake --preset release
	cmake --build --preset release -j $(JOBS) --target inferscope benches
	tools/bench.sh

format: test-packages
	git ls-files '*.h' '*.cpp' | xargs clang-format-19 -i

packages:
	@tools/install-packages.sh build

test-packages:
	@tools/install-packages.sh test

clean:
	rm -rf build
