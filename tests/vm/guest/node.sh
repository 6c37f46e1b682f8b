#!/bin/sh
# SPDX-License-Identifier: MIT
#
# node.sh: the driver found the chip and made its character device; taken away
# from it and given back, it does so again.
# shellcheck source=tests/vm/guest/tap.sh
. "$CTRANS_SOURCE/tests/vm/guest/tap.sh"

driver=/sys/bus/pci/drivers/ctrans
chip=$(find $driver/ -name '0000:*' | sed 's|.*/||')

# Whatever number it has: one in use by a file still open is not given again.
node() { ls "/sys/bus/pci/devices/$chip/accel" 2>/dev/null; }

check "the driver is bound to a chip" test -n "$chip"
before=$(node)
check "there is a character device" test -c "/dev/accel/$before"
check "it is of class accel" test -d "/sys/class/accel/$before"
check "the driver lets go of the chip" sh -c "echo $chip >$driver/unbind"
check "then the character device is gone" test ! -e "/dev/accel/$before"
check "the driver takes the chip again" sh -c "echo $chip >$driver/bind"
check "a character device is back" test -c "/dev/accel/$(node)"
done_testing
