#!/bin/sh
# Make sure that there is a Mosquitto to test against. As root on Debian it is installed, without the service that the
# package would start; anywhere else nothing is changed, and the tests that need it say that they were not run.
PATH=$PATH:/usr/sbin
command -v mosquitto >/dev/null && exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "No Mosquitto here: the tests that need a broker will not run. To run them: sudo apt-get install mosquitto" >&2
    exit 0
fi
policy=/usr/sbin/policy-rc.d # what Debian's packages ask before they start a service
if [ ! -e $policy ]; then
    trap 'rm -f $policy' EXIT
    printf '#!/bin/sh\nexit 101\n' >$policy
    chmod 755 $policy
fi
export DEBIAN_FRONTEND=noninteractive
install="apt-get install -y -q --no-install-recommends mosquitto"
$install >/dev/null 2>&1 || { apt-get update -q >/dev/null && $install >/dev/null; }
