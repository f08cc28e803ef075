/* Socket activation: a service manager listens and passes its socket to the process that it starts
 * (sd_listen_fds(3)'s protocol: $LISTEN_PID, $LISTEN_FDS, descriptor 3). Main thread. */
#ifndef SESSIOND_SERVICE_NET_SOCKET_ACTIVATION_H
#define SESSIOND_SERVICE_NET_SOCKET_ACTIVATION_H

#include "db/base/error.h"

/* Takes over the socket that was passed, for good: not inherited, not blocking. *descriptor is -1
 * when none was passed to this process. Refused, saying why, is anything but one stream socket that
 * listens. */
MUST_USE bool socket_activation_take(int *descriptor, struct error *err);

#endif
