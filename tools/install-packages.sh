#!/bin/sh
# Installs the Debian packages of packages.txt that are missing: install-packages.sh build|test
# Works as root, or through sudo. Asks the network only when something is missing.
set -eu
cd "$(dirname "$0")/.."
case "${1:-}" in
    build) wanted=$(awk '$1 == "build" {print $2}' packages.txt) ;;
    test) wanted=$(awk '$1 == "build" || $1 == "test" {print $2}' packages.txt) ;;
    *) echo "usage: $0 build|test" >&2; exit 2 ;;
esac
missing=""
for package in $wanted; do
    state=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$state" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0
sudo=""
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || { echo "These packages are missing and neither root nor sudo is at hand:$missing" >&2; exit 1; }
    sudo=sudo
fi
echo "Installing:$missing"
# Packages that would start a service on installation mustn't: tests start what they need themselves.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' | $sudo tee "$policy" >/dev/null
    $sudo chmod +x "$policy"
    trap '$sudo rm -f "$policy"' EXIT
fi
export DEBIAN_FRONTEND=noninteractive
$sudo apt-get update -qq
# shellcheck disable=SC2086
$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
