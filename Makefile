# What there is to do with synscope. Every target installs what it is missing (.ci/needs) and says so.

PREFIX ?= /usr/local
BIN = $(or $(CARGO_TARGET_DIR),target)/release/synscope
CARGO = cargo
# A flow of a lossy web client, worth a ladder.
DEMO = testdata/labelled/hs_http_client_closes_first.pcap
PACKETS = 1000000
SECONDS = 60
comma = ,

.PHONY: help demo build test check fmt bench counts fuzz install uninstall clean

help: ## what there is
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

build: ## the program, optimised
	@.ci/needs rust cc pcap
	$(CARGO) build --release --locked

demo: build ## the main job on a saved capture; needs no root
	@.ci/demo $(BIN) $(DEMO)

test: ## every test; as root also those that capture live
	@.ci/needs rust cc pcap '?tcpdump' '?tshark' '?python3' '?scapy' '?ip' '?nft' '?setcap' '?jq' '?openssl'
	@.ci/test

check: ## all that CI runs
	@.ci/run

fmt: ## format the sources
	$(CARGO) fmt

bench: ## how fast, in how much memory: PACKETS=, PEERS=1 with other programs, PARTS=web,flood
	@.ci/needs rust cc pcap tcpdump $(if $(PEERS),'?tshark' '?tcptrace' '?argus')
	$(CARGO) bench --locked --bench speed -- $(PACKETS) $(if $(PEERS),--peers) $(if $(PARTS),--only $(PARTS))
	$(if $(PARTS),,$(CARGO) bench --locked --bench stages)

counts: ## instructions per packet against those committed; BLESS=1 commits new ones
	@.ci/needs rust cc '?valgrind'
	BLESS=$(BLESS) $(CARGO) run --quiet --locked --profile counted --package synscope-counts

fuzz: ## each fuzz target for SECONDS=; TARGETS=files,view
	@.ci/needs rust cc cxx
	@.ci/fuzz $(SECONDS) $(subst $(comma), ,$(TARGETS))

install: build ## into PREFIX (/usr/local)
	@.ci/install $(BIN) "$(DESTDIR)$(PREFIX)/bin"

uninstall: ## out of PREFIX again
	@.ci/install --remove synscope "$(DESTDIR)$(PREFIX)/bin"

clean: ## what was built
	$(CARGO) clean
