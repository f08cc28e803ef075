/* Tells the service manager how far the process is: sd_notify(3)'s protocol, one datagram a state
 * to the socket that $NOTIFY_SOCKET names. Without that variable nothing happens. Main thread. */
#ifndef SESSIOND_SERVICE_APP_SD_NOTIFY_H
#define SESSIOND_SERVICE_APP_SD_NOTIFY_H

/* Connects to that socket: before the process is confined, since then it makes no socket any more.
 * Returns a descriptor for as long as the process lives; -1 when there is no such socket. */
int sd_notify_connect(void);

/* `state` is one of the protocol's lines: "READY=1", "STOPPING=1". A manager that cannot be reached
 * is no reason not to serve; `manager` may be -1. */
void sd_notify_send(int manager, const char *state);

#endif
