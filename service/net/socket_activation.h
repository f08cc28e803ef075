/* Socket activation: the service manager listens and passes its socket to the process that it
 * starts (protocol of sd_listen_fds(3): $LISTEN_PID, $LISTEN_FDS, descriptor 3). Main thread. */
#ifndef SESSIOND_SERVICE_NET_SOCKET_ACTIVATION_H
#define SESSIOND_SERVICE_NET_SOCKET_ACTIVATION_H

#include "db/base/error.h"

/* Takes over the passed socket and makes it non-blocking and close-on-exec. Sets *descriptor to -1
 * when this process got no socket. Fails for anything except exactly one listening stream socket;
 * `err` says why. */
MUST_USE bool socket_activation_receive(int *descriptor, struct error *err);

#endif
