#!/bin/sh
# The captures of lessons about TLS: OpenSSL at both ends of a path of 100 ms, which link.py makes. Needs root, openssl, python3.
#
#   sudo tests/lessons/make_tls.sh [FOLDER]      (default: testdata/lessons)
set -eu
cd "$(dirname "$0")/../.."
OUT=$(realpath "${1:-testdata/lessons}")
LINK=$(realpath tests/lessons/link.py)
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
cd "$WORK"
openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 3650 -subj /CN=example.test 2>/dev/null
printf 'GET / HTTP/1.0\r\n\r\n' > request

# capture NAME SERVER-ARGUMENTS CLIENT-COMMAND
capture() {
    python3 "$LINK" "$OUT/$1.pcap" > link.log & link=$!
    until grep -q ready link.log; do sleep 0.1; done
    # Something that never speaks on standard input, so that the server stays.
    ip netns exec ops sh -c "sleep 30 | exec openssl s_server -accept 192.0.2.2:443 -cert cert.pem -key key.pem $2" > server.log 2>&1 &
    server=$!
    until ip netns exec ops ss -Hltn | grep -q :443; do sleep 0.1; done
    ip netns exec opc sh -c "$3" > client.log 2>&1
    sleep 0.5
    kill "$link"
    wait "$link" || true
    ip netns pids ops | xargs -r kill
    wait "$server" || true
    ip netns del opc
    ip netns del ops
}

CLIENT='openssl s_client -connect 192.0.2.2:443'
capture tls13 '-www -quiet' "(cat request; sleep 1) | $CLIENT -quiet -tls1_3"
capture tls12-resumed '-www -quiet -tls1_2' \
    "(cat request; sleep 1) | $CLIENT -quiet -sess_out s; (cat request; sleep 1) | $CLIENT -quiet -sess_in s"
capture zero-rtt '-early_data -tls1_3' "sleep 1 | $CLIENT -sess_out s; sleep 1 | $CLIENT -sess_in s -early_data request"
capture hello-retry '-www -quiet -groups P-384' "(cat request; sleep 1) | $CLIENT -quiet -groups X25519:P-384"
