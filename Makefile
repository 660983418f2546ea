# What there is to do with synscope. Every target installs what it is missing (.ci/needs) and says so.

PREFIX ?= /usr/local
BIN = $(or $(CARGO_TARGET_DIR),target)/release/synscope
CARGO = cargo
# A flow of a lossy web client, worth a ladder.
DEMO = testdata/labelled/hs_http_client_closes_first.pcap
PACKETS = 1000000
SECONDS = 60
MINUTES = 30
comma = ,

.PHONY: help demo build test check fmt bench counts fuzz soak dist dist-test install uninstall clean

help: ## what there is
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

build: ## the program, optimised
	@.ci/needs rust cc pcap
	$(CARGO) build --release --locked

demo: build ## the main job on a saved capture; needs no root
	@.ci/demo $(BIN) $(DEMO)

test: ## every test; as root also those that capture live
	@.ci/needs rust cc pcap '?tcpdump' '?tshark' '?python3' '?scapy' '?ip' '?nft' '?setcap' '?jq' '?zsh' '?fish' '?groff' '?openssl' '?prometheus'
	@.ci/test

check: ## all that CI runs
	@.ci/run

fmt: ## format the sources
	$(CARGO) fmt

bench: ## how fast, in how much memory: PACKETS=, PEERS=1 with other programs, PARTS=web,flood, LIVE=4096,50000,200000
	@.ci/needs rust cc pcap tcpdump $(if $(PEERS),'?tshark' '?tcptrace' '?argus' '?softflowd' '?nfdump')
	$(CARGO) bench --locked --bench speed -- $(PACKETS) $(if $(PEERS),--peers) \
		$(if $(PARTS),--only $(PARTS),$(if $(LIVE),--only live)) $(if $(LIVE),--live $(LIVE))
	$(if $(PARTS)$(LIVE),,$(CARGO) bench --locked --bench stages)

counts: ## instructions per packet against those committed; BLESS=1 commits new ones
	@.ci/needs rust cc '?valgrind'
	BLESS=$(BLESS) $(CARGO) run --quiet --locked --profile counted --package synscope-counts

fuzz: ## each fuzz target for SECONDS=; TARGETS=files,view
	@.ci/needs rust cc cxx
	@.ci/fuzz $(SECONDS) $(subst $(comma), ,$(TARGETS))

dist: ## a static program, .deb, .rpm, checksums, bill of materials: target/dist
	@.ci/needs rust cc musl flex bison readelf python3
	@.ci/dist

dist-test: ## as root: the .deb installed, run, scraped and removed in a Debian of its own
	@.ci/needs debootstrap ip python3
	@.ci/dist-test

soak: build ## as root: a live capture of 3,000 connections a second for MINUTES=; what it takes meanwhile
	@.ci/needs rust cc pcap ip python3
	tests/bench/soak.py $(BIN) $$(($(MINUTES) * 60))

install: build ## into PREFIX (/usr/local)
	@.ci/install $(BIN) "$(DESTDIR)$(PREFIX)/bin"

uninstall: ## out of PREFIX again
	@.ci/install --remove synscope "$(DESTDIR)$(PREFIX)/bin"

clean: ## what was built
	$(CARGO) clean
