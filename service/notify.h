/* Tells the service manager how far the process is: sd_notify(3)'s protocol, one datagram a state
 * to the socket that $NOTIFY_SOCKET names. Without that variable nothing happens. Main thread. */
#ifndef SESSIOND_SERVICE_NOTIFY_H
#define SESSIOND_SERVICE_NOTIFY_H

/* `state` is one of the protocol's lines: "READY=1", "STOPPING=1". A manager that cannot be reached
 * is no reason not to serve. */
void notify_manager(const char *state);

#endif
