# make demo and make test do all the set-up on a fresh machine.

SWIFT ?= swift
PYTHON ?= python3
RNW := .build/release/rnw
FIXTURES := Fixtures/keras

.PHONY: demo test test-quick test-thorough html-test screenshot fault-table lint bench benchmarks fixtures fuzz setup build clean \
  c-library c-test runtimes-test docs python-test python-test-numpy fleet-test js-test readers-test viewer mutate static release deb \
  wheel install uninstall try-packages install-test site site-test integration-test

demo: build
	@mkdir -p generated
	$(RNW) convert $(FIXTURES)/narrow.keras -o generated/narrow.rnw --overwrite \
	  --reference $(FIXTURES)/narrow.activations.npz
	$(RNW) verify generated/narrow.rnw
	$(RNW) run generated/narrow.rnw --input $(FIXTURES)/narrow.activations.npz --top 3

build: setup
	$(SWIFT) build -c release

test: setup
	$(SWIFT) test

# For daily work: without the command line, the catalogue of faults and what packs many files.
test-quick: setup
	$(SWIFT) test --skip 'CommandLineTests|FaultCatalogue|HealthyTests|AutoPrecisionTests|IdenticalFileTests|FormatCaseTests|PrecisionTests'

# Every place at which a file can be damaged, where other runs try a share.
test-thorough: setup
	RNW_THOROUGH=1 $(SWIFT) test

# The page in headless Chromium, the JSON documents against docs/schemas, the JUnit file by a parser.
html-test: build
	Scripts/check-reports

screenshot: build
	Scripts/check-reports screenshot

# Rewrites the table of faults in docs/verification.md.
fault-table: setup
	RNW_WRITE_FAULT_TABLE=1 $(SWIFT) test --filter FaultCatalogueTests

# The documentation of all public products, without a warning; needs docc, and a build.
docs:
	Scripts/check-docs

# The documentation as a site, generated/site: pages, commands, Swift modules, examples. It works from disk.
site: build
	Scripts/build-site

site-test: site
	Scripts/check-reports site

# The action of action.yml in a faked environment, and the hook of pre-commit.
integration-test: build
	Scripts/check-integration

lint:
	$(SWIFT) format lint --strict --parallel -r Package.swift Sources Tests Examples Bindings Benchmarks

bench: build
	$(RNW) bench resnet50_v2

# Micro-benchmarks, a package of their own (swift package --package-path Benchmarks benchmark); what `make test` has built is
# not built again.
benchmarks: setup
	$(SWIFT) build --package-path Benchmarks --scratch-path .build

# Programs and librnw with everything but glibc inside, in generated/static. On Debian and its kin.
static: setup
	Scripts/build-static

# All that is released, in generated/release: tarball, Debian package, wheel, list of parts, SHA256SUMS.
release: static
	rm -rf generated/release
	Scripts/release
	Scripts/debian-package
	Scripts/wheel

deb: static
	Scripts/debian-package

wheel: static
	Scripts/wheel

# What `make static` has built, where packagers expect it: make install DESTDIR=/tmp/root PREFIX=/usr
PREFIX ?= /usr/local
BUILT ?= generated/static
install:
	@test -x '$(BUILT)/bin/rnw' || { echo "rnw: make static comes before make install" >&2; exit 1; }
	@BUILT='$(BUILT)' Scripts/install-tree '$(DESTDIR)$(PREFIX)'

uninstall:
	@Scripts/uninstall-tree '$(DESTDIR)$(PREFIX)'

install-test: build c-library
	Scripts/check-install

# The released packages, each on a bare Debian to a verdict; needs root, for chroot.
try-packages:
	Scripts/try-packages

# The shared library for C: generated/c has librnw.so, rnw.h and rnw.pc.
c-library: setup
	Scripts/c-library

c-test: build c-library
	Bindings/c/tests/run

# The examples of engines, judged by the tool.
runtimes-test: build c-library
	Examples/runtimes/test

# The Python package with the real frameworks, in a virtual environment with pinned versions.
python-test: build c-library
	Bindings/python/tests/run frameworks

# The same with numpy alone, as users without a framework have it.
python-test-numpy: build c-library
	Bindings/python/tests/run numpy

# rnw.fleet on a Ray cluster of several nodes and an S3 interface, all on this machine.
fleet-test: build
	Bindings/python/tests/run fleet

# The reader in JavaScript: needs Node 20.12 or later, and nothing else.
js-test:
	@node -e 'new DecompressionStream("deflate-raw")' || { echo "js-test: Node 20.12 or later is needed" >&2; exit 1; }
	node --test Bindings/js/tests/*.test.js

# docs/viewer.html, which embeds the reader in JavaScript.
viewer:
	Scripts/build-viewer

# The readers in Swift, C, Python and JavaScript on one corpus; RNW_READER_FILES=10000 for the full run. PYTHON needs numpy.
readers-test: c-library
	$(PYTHON) Scripts/check-readers

fuzz: build
	Scripts/fuzz

# Changed files of every container, and repaired .rnw before all three readers. Python needs numpy.
mutate: build c-library
	Scripts/mutate --files 10000 --repaired 5000

# Remakes the fixtures with the real frameworks, in a virtual environment with pinned versions.
fixtures:
	python3 -m venv .venv
	.venv/bin/pip install --quiet -r $(FIXTURES)/requirements.txt
	cd $(FIXTURES) && ../../.venv/bin/python make_fixtures.py
	.venv/bin/pip install --quiet -r Fixtures/torch/requirements.txt
	cd Fixtures/torch && ../../.venv/bin/python make_fixtures.py
	.venv/bin/pip install --quiet -r Fixtures/pytorch/requirements.txt
	cd Fixtures/pytorch && ../../.venv/bin/python make_fixtures.py
	.venv/bin/pip install --quiet -r Fixtures/huggingface/requirements.txt
	cd Fixtures/huggingface && ../../.venv/bin/python make_fixtures.py
	.venv/bin/pip install --quiet -r Fixtures/tensorflow/requirements.txt
	cd Fixtures/tensorflow && ../../.venv/bin/python make_fixtures.py
	.venv/bin/pip install --quiet -r Fixtures/haiku/requirements.txt
	cd Fixtures/haiku && ../../.venv/bin/python make_fixtures.py
	python3.11 -m venv .venv-mxnet
	.venv-mxnet/bin/pip install --quiet -r Fixtures/mxnet/requirements.txt
	cd Fixtures/mxnet && ../../.venv-mxnet/bin/python make_fixtures.py
	.venv/bin/pip install --quiet -r Fixtures/images/requirements.txt
	cd Fixtures/images && ../../.venv/bin/python make_fixtures.py

setup:
	@Scripts/setup

clean:
	rm -rf .build .build-* generated
