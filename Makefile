# What there is to do with synscope. Every target installs what it is missing (.ci/needs) and says so.

PREFIX ?= /usr/local
BIN = target/release/synscope
CARGO = cargo
# A flow of a lossy web client, worth a ladder.
DEMO = testdata/labelled/hs_http_client_closes_first.pcap
PACKETS = 1000000

.PHONY: help demo build test check fmt bench install uninstall clean

help: ## what there is
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

build: ## the program, optimised
	@.ci/needs rust cc pcap
	$(CARGO) build --release --locked

demo: build ## the main job on a saved capture; needs no root
	@.ci/demo $(BIN) $(DEMO)

test: ## every test; as root also those that capture live
	@.ci/needs rust cc pcap '?tcpdump' '?tshark' '?python3' '?scapy' '?ip' '?nft' '?jq'
	@.ci/test

check: ## all that CI runs
	@.ci/run

fmt: ## format the sources
	$(CARGO) fmt

bench: ## a million packets against tcpdump, in one paired run
	@.ci/needs rust cc pcap tcpdump
	$(CARGO) bench --locked --bench against_tcpdump -- $(PACKETS)

install: build ## into PREFIX (/usr/local)
	@.ci/install $(BIN) "$(DESTDIR)$(PREFIX)/bin"

uninstall: ## out of PREFIX again
	@.ci/install --remove synscope "$(DESTDIR)$(PREFIX)/bin"

clean: ## what was built
	$(CARGO) clean
