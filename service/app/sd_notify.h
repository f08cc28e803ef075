/* State notifications to the service manager: the protocol of sd_notify(3), one datagram per state
 * to the socket in $NOTIFY_SOCKET. Does nothing when that variable is not set. Main thread. */
#ifndef SESSIOND_SERVICE_APP_SD_NOTIFY_H
#define SESSIOND_SERVICE_APP_SD_NOTIFY_H

/* Connects to that socket. Call it before the sandbox is applied, which forbids new sockets.
 * Returns a descriptor that stays open until the process exits; -1 when there is no such socket. */
int sd_notify_connect(void);

/* Sends `state`, a line of the protocol: "READY=1", "STOPPING=1". Ignores failures, since the
 * service works without a manager. `manager` may be -1. */
void sd_notify_send(int manager, const char *state);

#endif
